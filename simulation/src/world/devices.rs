//! What happens to devices: they go away and come back, crash, lose their database, are taken off.

use shared::frames::ServerEvent;
use sync::Event;

use super::World;
use super::network::{Call, Leg, Message, Part};
use crate::plan::Fate;

/// The most messages that go through at a stretch.
const FLOW_MAX: usize = 300;

impl World {
    pub(super) fn go_offline(&mut self, n: usize) {
        if self.clients[n].offline {
            return;
        }
        self.clients[n].offline = true;
        self.event(n, Event::SocketClosed);
        self.event(n, Event::Offline);
    }

    pub(super) fn go_online(&mut self, n: usize) {
        if !self.clients[n].offline {
            return;
        }
        self.clients[n].offline = false;
        self.event(n, Event::Online);
        self.open_socket(n);
    }

    /// The server greets whoever connects with where it stands.
    pub(super) fn open_socket(&mut self, n: usize) {
        let device = self.clients[n].device;
        if self.server.database.devices.get(&device) != Some(&true) {
            return;
        }
        self.event(n, Event::SocketOpened);
        let sync_token = Some(self.server.head());
        self.post(n, Leg::Frame(ServerEvent::SyncComplete { sync_token }));
    }

    pub(super) fn crash(&mut self, n: usize) {
        self.runs += 1;
        let (root, now, run) = (self.root(), self.now, self.runs);
        self.clients[n].restart(root, now, run);
        self.start(n);
    }

    /// The device's database is gone; it begins anew under another id.
    pub(super) fn wipe(&mut self, n: usize) {
        self.oracle.wiped(n);
        let offline = self.clients[n].offline;
        self.clients[n] = self.new_client();
        self.clients[n].offline = offline;
        self.start(n);
    }

    /// Signs in where that is needed: under its own id if the server still knows it, otherwise as a new
    /// device that takes over what waits.
    pub(super) fn sign_in(&mut self, n: usize) {
        let device = self.clients[n].device;
        let known = self.server.database.devices.get(&device) == Some(&true);
        if self.clients[n].offline || (known && !self.clients[n].signed_out) {
            return;
        }
        let id = self.server.sign_in(Some(device));
        self.clients[n].signed_out = false;
        if id == device {
            self.event(n, Event::SignedIn);
            self.open_socket(n);
            return;
        }
        self.clients[n].full = 0;
        self.catch_up(n);
        let root = self.root();
        self.clients[n].rename(id, root);
        self.crash(n);
    }

    /// Lets everything of a device through, without faults.
    pub(super) fn flow(&mut self, n: usize) {
        if self.clients[n].offline {
            return;
        }
        self.sign_in(n);
        for _ in 0..FLOW_MAX {
            let Some(at) = self.messages.iter().position(|message| message.client == n) else { return };
            self.deliver(at, Fate::Arrives);
        }
    }

    /// What the device asks is carried out, and it hears of nothing.
    pub(super) fn deaf(&mut self, n: usize) {
        let asks = |message: &Message| message.client == n && matches!(message.leg, Leg::Request { .. });
        let asked = self.messages.iter().filter(|message| asks(message)).count();
        for _ in 0..asked {
            if let Some(at) = self.messages.iter().position(asks) {
                self.deliver(at, Fate::AnswerLost);
            }
        }
    }

    /// Lets uploads through but for the answer that ends them, which waits behind everything else.
    pub(super) fn served(&mut self, n: usize) {
        let of_upload = |message: &Message| {
            let call = match message.leg {
                Leg::Request { call, .. } | Leg::Answer { call, .. } => Some(call),
                Leg::Frame(_) => None,
            };
            message.client == n && matches!(call, Some(Call::Upload { .. })) && !ends_upload(message)
        };
        for _ in 0..FLOW_MAX {
            let Some(at) = self.messages.iter().position(of_upload) else { return };
            self.deliver(at, Fate::Arrives);
        }
    }

    /// As [`Self::flow`], the answers that end uploads last.
    pub(super) fn flow_late(&mut self, n: usize) {
        for _ in 0..FLOW_MAX {
            let soon = |message: &Message| message.client == n && !ends_upload(message);
            let Some(at) = self.messages.iter().position(soon) else { break };
            self.deliver(at, Fate::Arrives);
        }
        self.flow(n);
    }
}

/// Whether it is the answer that ends an upload.
fn ends_upload(message: &Message) -> bool {
    matches!(message.leg, Leg::Answer { call: Call::Upload { part: Part::Complete, .. }, .. })
}
