//! Faults that the simulation plants, to show that it finds them: one at a time, on the thread that asks
//! for it. A release build has none: there, every question whether one is planted is answered when it is
//! compiled.

use std::cell::Cell;

macro_rules! faults {
    (rules: { $($(#[$doc:meta])* $name:ident),+ $(,)? } server: { $($(#[$server_doc:meta])* $server:ident),+ $(,)? }) => {
        /// What goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $name,)+
            $($(#[$server_doc])* $server,)+
        }

        impl Fault {
            /// Of what both tiers of the simulation play.
            pub const RULES: &[Self] = &[$(Self::$name),+];
            /// Of what only the server as it is has: sessions, SQL, jobs, objects.
            pub const SERVER: &[Self] = &[$(Self::$server),+];
        }
    };
}

faults! { rules: {
    // Rules of concurrent edits
    /// A delete never wins against anything.
    DeleteAlwaysLoses,
    /// A delete wins over an edit that its maker had not seen.
    DeleteIgnoresContent,
    /// A delete wins over a move that its maker had not seen.
    DeleteIgnoresPlace,
    /// Of two concurrent moves the second stands.
    LastMoveWins,
    /// What was moved here and deleted there stays in the trash.
    MoveStaysInTrash,
    /// Two people write the same and have to choose.
    EqualContentsConflict,
    /// An edit takes the place of one that its writer had not seen.
    UnseenContentIsReplaced,
    /// Two files of one name are one file, whatever they hold.
    SameNameIsSameFile,
    /// Names that differ by case only are two names.
    CaseMakesANameFree,
    /// A new file takes the content's place of one whose name differs by case.
    CaseOverwrites,
    /// A base is taken to cover one input more than it does.
    KnownReachesTooFar,
    /// A device's own later touch hides another's earlier one.
    OthersTouchIsForgotten,
    /// A merge of two texts is the server's.
    MergeDropsLocal,
    // Photos
    /// What a person says of a photo takes the place of all that was said before.
    LastWordIsAll,
    /// A photo leaves an album that somebody put it into since.
    RemovingWins,
    /// A photo is taken in though the library has its content.
    EqualPhotosAreTwo,
    /// What is said of a photo enters no feed.
    PhotoIsUntold,
    // The server's judge
    /// The count that a conflict took is given out again.
    CountIsReused,
    /// An operation that was answered is judged again.
    RetryAppliesTwice,
    /// The answer to a refused operation is not kept.
    RefusalIsForgotten,
    /// The id of a file that joined another leads nowhere.
    AliasIsForgotten,
    /// A content that did not become the file's is not stored.
    ConflictSideIsLost,
    /// Whoever chooses their own side gets the other.
    ResolvedToTheOther,
    /// Whoever chooses both sides gets one.
    BothKeepsOne,
    /// A proposal stays what it was, whatever is written into the file.
    ProposalsAge,
    /// What is removed for good still takes room.
    PurgeKeepsVersions,
    /// The references of what is removed for good stay counted.
    PurgeReleasesNothing,
    /// A content that takes another's place is counted twice.
    ReferencedTwice,
    /// What comes back with its folder is not told.
    DescendantsAreUntold,
    /// An edit enters no feed.
    EditIsUntold,
    /// A folder may go into itself.
    FolderInItself,
    /// A taken name is given again.
    TakenNameIsGiven,
    /// What comes back keeps its name, taken or not.
    RestoredOntoTakenName,
    /// A delete of a folder takes what came in since its maker looked.
    SurvivorsAreForgotten,
    /// What was edited here and deleted there stays in the trash.
    EditedStaysInTrash,
    /// An edited file comes back without the folder that it is in.
    FoldersStayInTrash,
    /// What went into the trash in pieces comes back in part.
    RestoredAlone,
    // The server's feed, tokens and clock
    /// The token of a push passes what others did.
    TokenPassesOthers,
    /// A page of the feed ends one entry after its last.
    PageSkipsOne,
    /// A page holds items without the folders that are newer.
    PageWithoutFolders,
    /// A token older than the tombstones still counts.
    FloorIsIgnored,
    /// A clock that jumps is believed at once.
    ClockIsBelieved,
    /// An upload is judged as if its writer had seen nothing.
    UploadForgetsBase,
    /// An earlier content that is restored is the oldest, whichever was chosen.
    OldestIsRestored,
    /// What is asked is answered from a copy that lags a write behind.
    ReadsLagBehind,
    /// A device that is taken off takes its counters out of all vectors, so that what it wrote looks unseen.
    RemovedCountersGo,
    // The engine
    /// An operation is sent before the device has stored it.
    SentBeforeStored,
    /// An operation that may have been sent gets another content.
    SentIsRewritten,
    /// After a restart, operations count as never sent.
    LoadedIsRewritten,
    /// A refused operation is dropped with its content.
    RefusedIsDropped,
    /// What a restored server does not name is deleted there.
    AbsentIsDeleted,
    /// The first page of a pull counts for all.
    PullStopsEarly,
    /// An old state takes the place of a newer one.
    StaleIsTaken,
    /// What waits for an item that joined another is not moved over.
    JoinedIsNotRefiled,
    /// A device says that it is in step while something waits.
    SyncedWhileWaiting,
    /// What was on its way when a call was lost stays on its way.
    LostCallsDangle,
    /// A saved editor counts as having seen what came in meanwhile.
    EditorBaseIsIgnored,
    /// A device that pulls afresh does not ask for the trash.
    TrashIsNeverFetched,
    /// What a device is told of new conflicts is dropped.
    ConflictsAreNotHeard,
    /// A device counts where a chunk begins among those that are missing, not among all.
    OffsetsAmongMissing,
    // The stores
    /// A device's store loses bytes that come while items go.
    StoreDropsContents,
    /// A device's store keeps items that are gone.
    StoreKeepsItems,
    /// A device's store loses the bytes of an operation that gets another id.
    MovedContentsAreLost,
    /// Of a write of several rows the last is not written.
    WriteIsTorn,
    /// The feed's counter is not written with its entries.
    CounterIsNotSaved,
    /// A content is taken in though there is no room.
    QuotaIsUnchecked,
    /// The collector takes chunks that are in use.
    CollectorIgnoresReferences,
    /// A restored server goes on as if nothing had happened.
    RestoreKeepsEpoch,
} server: {
    /// A person is given everyone's zones.
    OthersZonesAreGiven,
    /// A chunk that another account holds need not be sent.
    OthersChunksCount,
    /// A device counts as taken off and goes on.
    RemovedDeviceStays,
    /// An object counts as kept, whatever the store says.
    ObjectIsAssumed,
    /// Leases end when they begin.
    LeaseIsIgnored,
    /// What no row names is never swept.
    OrphansStay,
    /// The trash empties itself at once.
    TrashGoesEarly,
    /// An earlier content goes, and its chunks stay counted.
    OldVersionIsCounted,
    /// Tombstones go, and older tokens still count.
    TombstonesGoUnnoted,
    /// An object is given out without a look at its bytes.
    RotIsServed,
} }

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// From now on this fault happens on this thread, or none.
pub fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

impl Fault {
    pub fn is_planted(self) -> bool {
        cfg!(debug_assertions) && PLANTED.get() == Some(self)
    }
}
