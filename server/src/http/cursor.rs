//! Where a page of a list ends that is ordered by an instant, the latest first, then by id.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use shared::ErrorCode;
use uuid::Uuid;

use crate::error::{ApiError, ApiResult};

/// The page's last item: its time in milliseconds, and its id. The next page is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub i64, pub Uuid);

impl Cursor {
    /// Before every page: later than anything.
    const START: Self = Self(i64::MAX, Uuid::max());

    /// As the client gives it back; none is the beginning.
    pub fn of_query(text: Option<&str>) -> ApiResult<Self> {
        let invalid = || {
            ApiError::new(
                ErrorCode::InvalidRequest,
                "This cursor wasn't given by this server. Begin without one.",
            )
        };
        text.map_or(Ok(Self::START), |text| Self::decode(text).ok_or_else(invalid))
    }

    pub fn encode(self) -> String {
        let mut bytes = self.0.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.1.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, id) = bytes.split_first_chunk::<8>()?;
        Some(Self(i64::from_be_bytes(*time), Uuid::from_slice(id).ok()?))
    }
}
