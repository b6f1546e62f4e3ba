//! Sync tokens: opaque to clients, `base64url(body ‖ HMAC-SHA256)`. The body holds the installation's epoch,
//! when the token was made, and a position for each zone.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use shared::faults::Fault;
use shared::limits::TOMBSTONE_RETENTION;
use shared::sync::TokenExpiry;
use shared::{ErrorCode, Timestamp, UserId, ZoneId};
use uuid::Uuid;

use crate::db::zones::Position;
use crate::error::ApiError;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 32;
const HEAD_BYTES: usize = 1 + 16 + 8;
const ZONE_BYTES: usize = 16 + 8 + 8;
/// A token of more zones than anyone has is not one of ours.
const TOKEN_BYTES_MAX: usize = 1024 * 1024;

/// What makes and reads tokens: the same on every node of an installation.
#[derive(Clone)]
pub struct TokenKey {
    secret: [u8; 32],
    /// Changes when the data is restored from a backup.
    epoch: Uuid,
}

/// One person's view of [`TokenKey`].
#[derive(Clone)]
pub struct PersonKey {
    key: TokenKey,
    user: UserId,
}

/// How far a device has been given one zone's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZonePosition {
    pub position: u64,
    /// During a full pull, the head at which it began: up to there what is deleted is left out. Otherwise at
    /// most `position`.
    pub alive_until: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncToken {
    pub issued_at: Timestamp,
    pub zones: BTreeMap<ZoneId, ZonePosition>,
}

/// Not a token that this installation made, or changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token of this installation")]
pub struct InvalidToken;

/// Why a token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("not a sync token of this installation")]
    Invalid,
    #[error("the sync token has expired")]
    Expired(TokenExpiry),
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::new(
                ErrorCode::InvalidSyncToken,
                "This sync token wasn't given by this server. Pull without one to start over.",
            ),
            TokenError::Expired(reason) => Self::new(
                ErrorCode::SyncTokenExpired,
                "This sync token is no longer of use. Pull without one, then merge what is on the device.",
            )
            .with("reason", reason),
        }
    }
}

impl TokenKey {
    pub fn new(secret: [u8; 32], epoch: Uuid) -> Self {
        Self { secret, epoch }
    }

    /// What makes and reads one person's tokens: another's are none.
    pub fn person(&self, user: UserId) -> PersonKey {
        PersonKey { key: self.clone(), user }
    }
}

impl PersonKey {
    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        // HMAC pads a short key with zeros to the hash's block.
        let mut block = [0; 64];
        block[..self.key.secret.len()].copy_from_slice(&self.key.secret);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(b"cloudstead sync token");
        mac.update(self.user.0.as_bytes());
        mac.update(body);
        mac
    }

    pub fn encode(&self, token: &SyncToken) -> String {
        let mut body = Vec::with_capacity(HEAD_BYTES + token.zones.len() * ZONE_BYTES + TAG_BYTES);
        body.push(VERSION);
        body.extend_from_slice(self.key.epoch.as_bytes());
        body.extend_from_slice(&token.issued_at.as_millis().to_be_bytes());
        for (zone, position) in &token.zones {
            body.extend_from_slice(zone.0.as_bytes());
            body.extend_from_slice(&position.position.to_be_bytes());
            body.extend_from_slice(&position.alive_until.to_be_bytes());
        }
        let tag = self.mac(&body).finalize().into_bytes();
        body.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(body)
    }

    /// The token of a device that has been given everything up to where the zones stand.
    pub fn head(&self, now: Timestamp, stand: &BTreeMap<ZoneId, Position>) -> String {
        let zones = stand
            .iter()
            .map(|(&zone, stand)| (zone, ZonePosition { position: stand.counter, alive_until: 0 }));
        self.encode(&SyncToken { issued_at: now, zones: zones.collect() })
    }

    /// Whether the token's device has been given everything up to where the zones stand.
    pub fn is_head(&self, text: &str, now: Timestamp, stand: &BTreeMap<ZoneId, Position>) -> bool {
        self.check(text, now, stand).is_ok_and(|token| {
            let given = |zone| token.zones.get(zone).map_or(0, |given| given.position);
            stand.iter().all(|(zone, stand)| given(zone) >= stand.counter)
        })
    }

    /// Reads a token; None inside where it is of another epoch.
    fn open(&self, text: &str) -> Result<Option<SyncToken>, InvalidToken> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(InvalidToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let (body, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or(InvalidToken)?;
        self.mac(body).verify(tag.into()).map_err(|_| InvalidToken)?;
        let (head, zones) = body.split_first_chunk::<HEAD_BYTES>().ok_or(InvalidToken)?;
        let (zones, rest) = zones.as_chunks::<ZONE_BYTES>();
        if head[0] != VERSION || !rest.is_empty() {
            return Err(InvalidToken);
        }
        if &head[1..17] != self.key.epoch.as_bytes() {
            return Ok(None);
        }
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).map_err(|_| InvalidToken);
        let issued_at = head[17..].try_into().map(i64::from_be_bytes).map_err(|_| InvalidToken)?;
        let zones = zones
            .iter()
            .map(|zone| {
                let id = Uuid::from_slice(&zone[..16]).map_err(|_| InvalidToken)?;
                let position =
                    ZonePosition { position: number(&zone[16..24])?, alive_until: number(&zone[24..])? };
                Ok((ZoneId(id), position))
            })
            .collect::<Result<_, InvalidToken>>()?;
        Ok(Some(SyncToken { issued_at: Timestamp::from_millis(issued_at), zones }))
    }

    /// Reads a token that is to be continued from, against where the zones stand.
    pub fn check(
        &self,
        text: &str,
        now: Timestamp,
        stand: &BTreeMap<ZoneId, Position>,
    ) -> Result<SyncToken, TokenError> {
        let token = self
            .open(text)
            .map_err(|InvalidToken| TokenError::Invalid)?
            .ok_or(TokenError::Expired(TokenExpiry::Epoch))?;
        let stands = || token.zones.iter().filter_map(|(zone, given)| Some((given, stand.get(zone)?)));
        if stands().any(|(given, stand)| given.position > stand.counter) {
            return Err(TokenError::Expired(TokenExpiry::Epoch));
        }
        let gap = |given: &ZonePosition, stand: &Position| {
            !Fault::FloorIsIgnored.is_planted()
                && given.position.max(given.alive_until) < stand.tombstone_floor
        };
        let too_old = now.since(token.issued_at) > TOMBSTONE_RETENTION;
        if too_old || stands().any(|(given, stand)| gap(given, stand)) {
            return Err(TokenError::Expired(TokenExpiry::Expired));
        }
        Ok(token)
    }

    /// How far into the zone the person had seen when they deleted. A token of another epoch or none is the
    /// position before everything; age does not matter here.
    pub fn seen(&self, text: Option<&str>, zone: ZoneId) -> Result<u64, InvalidToken> {
        let Some(text) = text else { return Ok(0) };
        let token = self.open(text)?;
        Ok(token.and_then(|token| token.zones.get(&zone).copied()).map_or(0, |given| given.position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(epoch: u128) -> PersonKey {
        TokenKey::new([7; 32], Uuid::from_u128(epoch)).person(UserId(Uuid::from_u128(1)))
    }

    fn zone() -> ZoneId {
        ZoneId(Uuid::from_u128(9))
    }

    fn token(position: u64, alive_until: u64) -> SyncToken {
        SyncToken {
            issued_at: Timestamp::from_millis(1_000_000),
            zones: BTreeMap::from([(zone(), ZonePosition { position, alive_until })]),
        }
    }

    fn stand(counter: u64, tombstone_floor: u64) -> BTreeMap<ZoneId, Position> {
        BTreeMap::from([(zone(), Position { counter, tombstone_floor })])
    }

    fn check(token: &SyncToken, at: u128, counter: u64, floor: u64) -> Result<SyncToken, TokenError> {
        let text = key(1).encode(token);
        key(at).check(&text, Timestamp::from_millis(1_000_001), &stand(counter, floor))
    }

    #[test]
    fn a_token_comes_back_as_it_was() {
        assert_eq!(check(&token(5, 3), 1, 5, 0), Ok(token(5, 3)));
    }

    #[test]
    fn no_changed_byte_is_taken() {
        let text = key(1).encode(&token(5, 0));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            if changed == text {
                continue;
            }
            let checked = key(1).check(&changed, Timestamp::default(), &stand(9, 0));
            assert_eq!(checked, Err(TokenError::Invalid), "byte {at}");
        }
        for text in ["", "x", "not a token", &"A".repeat(100)] {
            assert_eq!(key(1).check(text, Timestamp::default(), &stand(9, 0)), Err(TokenError::Invalid));
        }
        let installation = TokenKey::new([8; 32], Uuid::from_u128(1)).person(UserId(Uuid::from_u128(1)));
        let person = TokenKey::new([7; 32], Uuid::from_u128(1)).person(UserId(Uuid::from_u128(2)));
        for other in [installation, person] {
            let checked = other.check(&text, Timestamp::default(), &stand(9, 0));
            assert_eq!(checked, Err(TokenError::Invalid));
        }
    }

    #[test]
    fn another_epoch_or_an_entry_that_is_not_there_is_a_restored_server() {
        assert_eq!(check(&token(5, 0), 2, 5, 0), Err(TokenError::Expired(TokenExpiry::Epoch)));
        assert_eq!(check(&token(6, 0), 1, 5, 0), Err(TokenError::Expired(TokenExpiry::Epoch)));
    }

    #[test]
    fn older_than_the_tombstones_is_expired() {
        assert_eq!(check(&token(5, 0), 1, 9, 6), Err(TokenError::Expired(TokenExpiry::Expired)));
        assert!(check(&token(6, 0), 1, 9, 6).is_ok());
        assert!(check(&token(2, 7), 1, 9, 6).is_ok(), "a full pull began after they went");
        let text = key(1).encode(&token(5, 0));
        let later = Timestamp::from_millis(1_000_001) + TOMBSTONE_RETENTION;
        let checked = key(1).check(&text, later, &stand(9, 0));
        assert_eq!(checked, Err(TokenError::Expired(TokenExpiry::Expired)));
    }

    #[test]
    fn a_delete_reads_its_token_at_any_age() {
        let text = key(1).encode(&token(5, 0));
        assert_eq!(key(1).seen(Some(&text), zone()), Ok(5));
        assert_eq!(key(2).seen(Some(&text), zone()), Ok(0));
        assert_eq!(key(1).seen(None, zone()), Ok(0));
        assert_eq!(key(1).seen(Some("junk"), zone()), Err(InvalidToken));
    }
}
