//! An object store that fails: puts are refused, cut short or carried out unheard, reads come back with a
//! wrong bit, and what a crash overtakes is undone.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::wal::Wal;
use crate::chance::Chance;

/// Faults of each kind, one in so many calls; none where it is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    pub put: u64,
    pub get: u64,
    pub delete: u64,
}

/// What a call had before it, and how far the database's log was written by then.
struct Undo {
    frames: u64,
    path: Path,
    before: Option<Bytes>,
}

struct State {
    inner: Arc<InMemory>,
    rates: Rates,
    chance: Chance,
    /// The log of the database beside it.
    wal: PathBuf,
    journal: Vec<Undo>,
}

/// Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Objects(Arc<Mutex<State>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    Refused,
    /// Carried out, and nobody hears of it.
    Unheard,
    /// Half of it is there.
    Torn,
}

impl Objects {
    pub fn new(chance: Chance) -> Self {
        let inner = Arc::new(InMemory::new());
        let (rates, wal, journal) = (Rates::default(), PathBuf::new(), Vec::new());
        Self(Arc::new(Mutex::new(State { inner, rates, chance, wal, journal })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner(&self) -> Arc<InMemory> {
        Arc::clone(&self.state().inner)
    }

    /// From now on so many calls fail; answers how many did until now.
    pub fn set_rates(&self, rates: Rates) -> Rates {
        std::mem::replace(&mut self.state().rates, rates)
    }

    /// From now on so many calls fail, by this chance; answers by what they did until now.
    pub fn fail_by(&self, rates: Rates, chance: Chance) -> (Rates, Chance) {
        let mut state = self.state();
        (std::mem::replace(&mut state.rates, rates), std::mem::replace(&mut state.chance, chance))
    }

    /// From now on it is noted what each call had before it, and how long this log was by then.
    pub fn begin(&self, wal: PathBuf) {
        let mut state = self.state();
        state.journal.clear();
        state.wal = wal;
    }

    /// Nothing is there any more.
    pub fn clear(&self) {
        self.state().inner = Arc::new(InMemory::new());
    }

    /// The object as it is, whatever it should be.
    pub fn bytes(&self, path: &str) -> Option<Bytes> {
        peek(&self.inner(), &Path::from(path))
    }

    /// The power fails when the log had so many frames: what came later never happened, and of what came
    /// at that moment only a beginning did.
    pub fn crash(&self, frames: u64) {
        let mut state = self.state();
        let journal = std::mem::take(&mut state.journal);
        let at_once = journal.iter().filter(|undo| undo.frames == frames).count() as u64;
        let earlier = journal.iter().filter(|undo| undo.frames < frames).count() as u64;
        let done = (earlier + state.chance.below(at_once + 1)) as usize;
        let torn = state.chance.one_in(2).then_some(done);
        for (index, undo) in journal.into_iter().enumerate().skip(done).rev() {
            let half = peek(&state.inner, &undo.path).map(|bytes| bytes.slice(..bytes.len() / 2));
            let restored = match (undo.before, half) {
                (None, Some(half)) if Some(index) == torn => Some(half),
                (before, _) => before,
            };
            let inner = Arc::clone(&state.inner);
            let undone = async {
                match restored {
                    Some(bytes) => inner.put(&undo.path, bytes.into()).await.map(drop),
                    None => inner.delete(&undo.path).await,
                }
            };
            drop(undone.now_or_never());
        }
    }

    fn fate(&self, one_in: impl Fn(&Rates) -> u64, kinds: &[Fate]) -> Fate {
        let mut state = self.state();
        let one_in = one_in(&state.rates);
        if one_in == 0 || !state.chance.one_in(one_in) { Fate::Done } else { *state.chance.pick(kinds) }
    }

    /// Notes what is there before it is changed.
    fn note(&self, path: &Path) {
        let mut state = self.state();
        if state.wal.as_os_str().is_empty() {
            return;
        }
        let before = peek(&state.inner, path);
        let frames = Wal::read(&state.wal).frames();
        state.journal.push(Undo { frames, path: path.clone(), before });
    }
}

fn peek(inner: &InMemory, path: &Path) -> Option<Bytes> {
    async { inner.get(path).await.ok()?.bytes().await.ok() }.now_or_never().flatten()
}

fn away() -> object_store::Error {
    object_store::Error::Generic { store: "simulated", source: "503 Slow Down".into() }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated objects")
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objects")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Objects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let fate = self.fate(|rates| rates.put, &[Fate::Refused, Fate::Unheard, Fate::Torn]);
        if fate == Fate::Refused {
            return Err(away());
        }
        self.note(location);
        let bytes = Bytes::from(payload);
        let kept = if fate == Fate::Torn { bytes.slice(..bytes.len() / 2) } else { bytes };
        let put = self.inner().put_opts(location, kept.into(), opts).await?;
        if fate == Fate::Done { Ok(put) } else { Err(away()) }
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(away())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // A wrong bit, or no answer.
        match self.fate(|rates| rates.get, &[Fate::Refused, Fate::Torn]) {
            Fate::Refused => return Err(away()),
            Fate::Done | Fate::Unheard => return self.inner().get_opts(location, options).await,
            Fate::Torn => {}
        }
        let GetResult { payload, meta, range, attributes, extensions } =
            self.inner().get_opts(location, options).await?;
        let whole = GetResult { payload, meta: meta.clone(), range: range.clone(), attributes, extensions };
        let (attributes, extensions) = (whole.attributes.clone(), whole.extensions.clone());
        let mut bytes = whole.bytes().await?.to_vec();
        if let Some(byte) = bytes.first_mut() {
            *byte ^= 1;
        }
        let rotten = futures::stream::once(async move { Ok(Bytes::from(bytes)) }).boxed();
        Ok(GetResult { payload: GetResultPayload::Stream(rotten), meta, range, attributes, extensions })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner().get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let objects = self.clone();
        locations
            .then(move |location| {
                let objects = objects.clone();
                async move {
                    let location = location?;
                    let fate = objects.fate(|rates| rates.delete, &[Fate::Refused, Fate::Unheard]);
                    if fate == Fate::Refused {
                        return Err(away());
                    }
                    objects.note(&location);
                    objects.inner().delete(&location).await?;
                    if fate == Fate::Done { Ok(location) } else { Err(away()) }
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner().list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner().list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner().copy_opts(from, to, options).await
    }
}
