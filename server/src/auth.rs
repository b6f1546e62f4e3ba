//! Who is asking.

use shared::{DeviceId, UserId};

/// A signed-in person on one device: every handler that needs one takes it as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    pub device_id: DeviceId,
    pub is_admin: bool,
}
