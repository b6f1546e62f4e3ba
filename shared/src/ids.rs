//! Typed ids: a UUID that cannot be passed where another kind is meant.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                // The order of the bytes, as one number: trees of items spend their time here.
                self.0.as_u128().cmp(&other.0.as_u128())
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A person's account.
    UserId,
    /// One replica: a browser profile, a phone, a native client. Never reused.
    DeviceId,
    /// The unit of sync, sharing and sharding.
    ZoneId,
    /// A file or a folder.
    ItemId,
    /// What a picture looks like: the same for equal pixels, whatever file they are in.
    PictureId,
    /// One mutation, made by the client, the key of its idempotence.
    OperationId,
    /// A chunked upload under way.
    UploadId,
    /// One content that a file has or had.
    VersionId,
    /// An open or settled conflict.
    ConflictId,
    /// An entry of the activity list.
    ActivityId,
}
