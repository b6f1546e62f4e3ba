//! Passwords: argon2id, off the async threads, a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use shared::ErrorCode;
use shared::account::Password;
use tokio::sync::Semaphore;

use crate::clock::Env;
use crate::error::{ApiError, ApiResult};

/// Hashes at once: each takes the memory below and a core.
const HASHES_AT_ONCE: usize = 2;
/// Callers waiting for one before others are sent away.
const HASHES_WAITING_MAX: usize = 64;

/// What one hash costs.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl PasswordCost {
    /// Above OWASP's minimum for argon2id (Password Storage Cheat Sheet: 19 MiB, two passes), and above the
    /// 32 MiB from which glibc maps a block for itself: it is handed back once the password is judged.
    pub const STANDARD: Self = Self { memory_kib: 33 * 1024, passes: 2 };
    /// For tests and simulations, whose passwords protect nothing.
    pub const TRIFLING: Self = Self { memory_kib: 8, passes: 1 };
}

#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// Permits are callers that hash or wait for it; a second, smaller bound is on those that hash.
    waiting: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
    /// The hash that an unknown name is checked against, so that it takes as long as a known one.
    of_nobody: Arc<str>,
}

impl Passwords {
    pub fn new(env: &Env, cost: PasswordCost) -> Result<Self, argon2::Error> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let of_nobody =
            hash(&argon2, &env.secret(), &env.secret()).map_err(|_| argon2::Error::SaltTooShort)?;
        Ok(Self {
            argon2,
            waiting: Arc::new(Semaphore::new(HASHES_AT_ONCE + HASHES_WAITING_MAX)),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            of_nobody: of_nobody.into(),
        })
    }

    /// The hash to keep, salted from `env`.
    pub async fn hash(&self, env: &Env, password: Password) -> ApiResult<String> {
        let salt = env.secret();
        self.run(move |argon2| hash(argon2, password.0.as_bytes(), &salt)).await?.map_err(unhashable)
    }

    /// Whether the password is the one that was hashed. Without a hash it is not, which takes as long.
    pub async fn verify(&self, password: Password, kept: Option<String>) -> ApiResult<bool> {
        let is_known = kept.is_some();
        let kept = kept.unwrap_or_else(|| self.of_nobody.to_string());
        let fits = self
            .run(move |argon2| {
                let kept = PasswordHash::new(&kept)?;
                match argon2.verify_password(password.0.as_bytes(), &kept) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::Password) => Ok(false),
                    Err(error) => Err(error),
                }
            })
            .await?
            .map_err(unhashable)?;
        Ok(fits && is_known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Argon2) -> T + Send + 'static) -> ApiResult<T> {
        let busy = || {
            ApiError::new(ErrorCode::RateLimited, "Too many people are signing in right now. Try again soon.")
        };
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let permit = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| busy())?;
        let argon2 = self.argon2.clone();
        // The permit goes with the work: a caller that hangs up frees its place only when the core is free.
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&argon2)
        });
        done.await.map_err(ApiError::internal)
    }
}

fn unhashable(error: argon2::password_hash::Error) -> ApiError {
    ApiError::internal(error.to_string())
}

fn hash(argon2: &Argon2, password: &[u8], salt: &[u8; 32]) -> argon2::password_hash::Result<String> {
    let salt = SaltString::encode_b64(&salt[..16])?;
    Ok(argon2.hash_password(password, &salt)?.to_string())
}

/// OWASP ASVS 5.0's floor for argon2id.
const _: () = assert!(PasswordCost::STANDARD.memory_kib >= 19 * 1024 && PasswordCost::STANDARD.passes >= 2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_that_was_hashed_fits() {
        let env = Env::system();
        let passwords = Passwords::new(&env, PasswordCost::TRIFLING).unwrap();
        let kept = passwords.hash(&env, Password("right".into())).await.unwrap();
        assert!(kept.starts_with("$argon2id$"));
        assert!(passwords.verify(Password("right".into()), Some(kept.clone())).await.unwrap());
        assert!(!passwords.verify(Password("wrong".into()), Some(kept)).await.unwrap());
        assert!(!passwords.verify(Password("right".into()), None).await.unwrap());
    }
}
