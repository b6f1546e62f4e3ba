//! Notifications: hints of what changed, to every socket that should know. The truth is one pull away.

use shared::frames::ServerEvent;
use shared::{DeviceId, UserId, ZoneId};

use crate::clock::Env;
use crate::db::Db;
use crate::db::sessions::TokenHash;

/// Hands events to sockets. Cheap to clone.
#[derive(Clone)]
pub struct Hub {}

impl Hub {
    pub fn new(_db: Db, _env: Env) -> Self {
        Self {}
    }

    /// Tells everyone who uses the zone, after the commit. Never waits. `file_changed` and `file_deleted`
    /// do not go to the device that caused them; their sync tokens are filled in for each person.
    pub fn publish(&self, _zone: ZoneId, _source: Option<DeviceId>, _events: Vec<ServerEvent>) {}

    /// Ends the sockets of one session, on every node.
    pub fn end_session(&self, _hash: &TokenHash) {}

    /// Ends the sockets of one device, on every node.
    pub fn end_device(&self, _user_id: UserId, _device_id: DeviceId) {}
}
