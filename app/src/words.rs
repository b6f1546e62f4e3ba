//! Everything the app says, in one place.

mod import;
mod photos;

use crate::hooks::intl;
pub use import::*;
pub use photos::*;

pub const APP: &str = "Cloudstead";

// Places
pub const FILES: &str = "Files";
pub const TRASH: &str = "Trash";
pub const SETTINGS: &str = "Settings";
pub const SEARCH: &str = "Search";
pub const SEARCH_HINT: &str = "Search files";
pub const WHAT_HAPPENS: &str = "What happens";
pub const SKIP_TO_CONTENT: &str = "Skip to content";
pub const MAIN_NAVIGATION: &str = "Main";
pub const FOLDERS: &str = "Folders";
pub const WHERE_YOU_ARE: &str = "Where you are";
pub const NOT_HERE: &str = "There is nothing at this address";
pub const NOT_HERE_HINT: &str = "It may have been moved, deleted, or it belongs to someone else.";
pub const GO_TO_FILES: &str = "Go to your files";

// Sign-in
pub const NEEDS_JAVASCRIPT: &str = "Cloudstead needs JavaScript to keep your files in step on this device.";
pub const SIGN_IN: &str = "Sign in";
pub const SIGNING_IN: &str = "Signing in";
pub const SIGN_IN_TITLE: &str = "Sign in to Cloudstead";
pub const REGISTER_TITLE: &str = "Create an account";
pub const REGISTER: &str = "Create account";
pub const USERNAME: &str = "Username";
pub const PASSWORD: &str = "Password";
pub const DISPLAY_NAME: &str = "Your name";
pub const INVITE: &str = "Invitation code";
pub const INVITE_HINT: &str = "Only if you were given one.";
pub const NO_ACCOUNT: &str = "New here?";
pub const HAVE_ACCOUNT: &str = "Have an account?";
pub const FILL_IN_BOTH: &str = "Enter your username and password.";
pub const SHOW_PASSWORD: &str = "Show password";
pub const HIDE_PASSWORD: &str = "Hide password";
pub const UNREACHABLE: &str = "Couldn't reach the server. Check the connection and try again.";

pub fn password_rule(chars_min: usize) -> String {
    format!("At least {chars_min} characters.")
}

// Columns and layout
pub const NAME: &str = "Name";
pub const MODIFIED: &str = "Modified";
pub const DELETED: &str = "Deleted";
pub const SIZE: &str = "Size";
pub const KIND: &str = "Type";
pub const STATE: &str = "State";
pub const LOCATION: &str = "Location";
pub const AS_LIST: &str = "Show as list";
pub const AS_GRID: &str = "Show as grid";
pub const SORT_BY: &str = "Sort by";
pub const MORE: &str = "More";
pub const JUST_NOW: &str = "just now";
pub const FOLDER_CONTENTS: &str = "Folder contents";
pub const DELETED_ITEMS: &str = "Deleted items";
pub const SEARCH_RESULTS: &str = "Search results";
pub const OPEN_TREE_NODE: &str = "Show folders inside";
pub const CLOSE_TREE_NODE: &str = "Hide folders inside";

// Actions
pub const NEW: &str = "New";
pub const NEW_FOLDER: &str = "New folder";
pub const NEW_TEXT: &str = "New text file";
pub const UPLOAD_FILES: &str = "Upload files";
pub const UPLOAD_FOLDER: &str = "Upload folder";
pub const TAKE_PHOTO: &str = "Take photo or video";
pub const CHOOSE_PHOTOS: &str = "Choose photos";
pub const OPEN: &str = "Open";
pub const QUICK_LOOK: &str = "Quick look";
pub const DOWNLOAD: &str = "Download";
pub const RENAME: &str = "Rename";
pub const MOVE_TO: &str = "Move to…";
pub const CUT: &str = "Cut";
pub const COPY: &str = "Copy";
pub const DUPLICATE: &str = "Duplicate";
pub const COPY_NAMES: &str = "Copy name";
pub const PASTE: &str = "Paste";
pub const DELETE: &str = "Delete";
pub const RESTORE: &str = "Put back";
pub const PURGE: &str = "Delete for good";
pub const EMPTY_TRASH: &str = "Empty trash";
pub const DETAILS: &str = "Details";
pub const SELECT_ALL: &str = "Select all";
pub const CLEAR_SELECTION: &str = "Clear selection";
pub const KEEP: &str = "Keep on this device";
pub const KEEP_NO_LONGER: &str = "Stop keeping on this device";
pub const SHOW_IN_FOLDER: &str = "Show in its folder";
pub const UNDO: &str = "Undo";
pub const CANCEL: &str = "Cancel";
pub const CLOSE: &str = "Close";
pub const MOVE_HERE: &str = "Move here";
pub const PREVIOUS: &str = "Previous";
pub const NEXT: &str = "Next";
pub const BACK: &str = "Back";
pub const FOR_SELECTION: &str = "For what is selected";

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", intl::whole(count as u64)) }
}

pub fn items(count: usize) -> String {
    counted(count, "item", "items")
}

pub fn selected(count: usize) -> String {
    format!("{} selected", intl::whole(count as u64))
}

/// One by name, several by number.
fn what(name: Option<&str>, count: usize) -> String {
    name.map_or_else(|| items(count), |name| format!("“{name}”"))
}

pub fn moved(name: Option<&str>, count: usize, folder: &str) -> String {
    format!("Moved {} to “{folder}”", what(name, count))
}

pub fn deleted(name: Option<&str>, count: usize) -> String {
    format!("Moved {} to the trash", what(name, count))
}

pub fn keeping(name: Option<&str>, count: usize) -> String {
    format!("Keeping {} on this device", what(name, count))
}

pub fn keeping_no_longer(name: Option<&str>, count: usize) -> String {
    format!("No longer keeping {} on this device", what(name, count))
}

pub fn restored(name: Option<&str>, count: usize) -> String {
    format!("Put back {}", what(name, count))
}

pub fn purged(name: Option<&str>, count: usize) -> String {
    format!("Deleted {} for good", what(name, count))
}

pub fn renamed(name: &str) -> String {
    format!("Renamed to “{name}”")
}

pub fn cut(name: Option<&str>, count: usize) -> String {
    format!("Cut {}. Paste in another folder to move.", what(name, count))
}

pub fn copied_for_paste(name: Option<&str>, count: usize) -> String {
    format!("Copied {}. Paste where another one should be.", what(name, count))
}

pub fn copied(name: Option<&str>, count: usize, folder: &str) -> String {
    format!("Copied {} to “{folder}”", what(name, count))
}

pub fn duplicated(name: Option<&str>, count: usize) -> String {
    format!("Duplicated {}", what(name, count))
}

pub const PART_MISSING: &str =
    "This part of the app could not be loaded. If the app was updated meanwhile, load the page again.";
pub const TRY_AGAIN: &str = "Try again";
pub const COPIED_NAMES: &str = "Copied to the clipboard";
pub const UNDONE: &str = "Undone";
pub const REDONE: &str = "Done again";
pub const NOTHING_TO_UNDO: &str = "Nothing to undo";
pub const NOTHING_TO_REDO: &str = "Nothing to do again";

// Names
pub const NAME_EMPTY: &str = "A name can't be empty.";
pub const NAME_TOO_LONG: &str = "That name is too long.";
pub const NAME_FORBIDDEN: &str = "A name can't contain “/”.";
pub const NAME_RESERVED: &str = "That name can't be used.";

pub fn name_taken(name: &str) -> String {
    format!("There is already “{name}” here.")
}

pub fn new_name_of(name: &str) -> String {
    format!("New name of {name}")
}

// Moving
pub fn move_title(name: Option<&str>, count: usize) -> String {
    format!("Move {}", what(name, count))
}

pub const MOVE_HINT: &str = "Choose a folder";
pub const NO_FOLDERS_INSIDE: &str = "No folders inside";

// Confirming
pub fn purge_title(name: Option<&str>, count: usize) -> String {
    format!("Delete {} for good?", what(name, count))
}

pub const PURGE_TEXT: &str = "This can't be undone. It disappears from all your devices.";

pub fn empty_trash_title(count: usize) -> String {
    match count {
        1 => "Delete the one item in the trash for good?".to_owned(),
        _ => format!("Delete all {} in the trash for good?", items(count)),
    }
}

pub fn mass_delete_title(deleted: usize, total: usize) -> String {
    format!("Delete {} of your {}?", intl::whole(deleted as u64), items(total))
}

pub const MASS_DELETE_TEXT: &str =
    "That is more than half of what you have, on all your devices. It stays in the trash for 30 days.";

// Empty places
pub const EMPTY_FOLDER: &str = "This folder is empty";
pub const EMPTY_FOLDER_HINT: &str = "Drop files or folders anywhere on this page, or choose them here.";
pub const EMPTY_ROOT: &str = "A place for your files";
pub const EMPTY_ROOT_HINT: &str =
    "Drop files or whole folders anywhere on this page. They will be on all your devices.";
pub const EMPTY_TRASH_PLACE: &str = "The trash is empty";
pub const EMPTY_TRASH_HINT: &str = "What you delete stays here for 30 days, in case you want it back.";
pub const TRASH_NOTE: &str = "What is here is deleted for good 30 days after it was deleted.";
pub const NOTHING_FOUND: &str = "Nothing found";
pub const SEARCH_START: &str = "Search your files by name";
pub const SEARCH_START_HINT: &str = "Results appear as you type, also without a connection.";
pub const FIRST_SYNC: &str = "Getting your files";
pub const FIRST_SYNC_OFFLINE: &str = "Your files are not on this device yet";
pub const FIRST_SYNC_OFFLINE_HINT: &str = "They come as soon as there is a connection.";

pub fn nothing_found_hint(text: &str) -> String {
    format!("No name contains “{text}”.")
}

pub fn first_sync(count: usize) -> String {
    format!("{} so far", items(count))
}

pub fn results(count: usize) -> String {
    counted(count, "result", "results")
}

pub fn results_limited(limit: usize) -> String {
    format!("The first {} results. A longer text finds fewer.", intl::whole(limit as u64))
}

// Dropping
pub fn drop_into(folder: &str) -> String {
    format!("Drop to upload to “{folder}”")
}

// Sync
pub const SYNC_STATUS: &str = "Sync status";
pub const UP_TO_DATE: &str = "Up to date";
pub const CHECKING: &str = "Checking for changes";
pub const STORING: &str = "Saving to this device";
pub const SIGN_IN_AGAIN: &str = "Sign in again to sync";
pub const STORAGE_FAILED: &str = "Can't keep changes on this device";
pub const STORAGE_FULL: &str = "Storage is full";
pub const CONNECTING: &str = "Connecting";
pub const OFFLINE: &str = "Offline";
pub const RETRY_NOW: &str = "Try now";
pub const DISCARD: &str = "Discard";
pub const SENDING: &str = "On its way";
pub const WAITING: &str = "Waiting";
pub const ALL_SENT: &str = "Everything on this device is also on the server.";
pub const OFFLINE_HINT: &str = "Couldn't reach the server. Your changes are kept and will be sent.";
pub const CHANGES: &str = "Changes";

/// The one line of the top bar; what matters most to a person comes first.
pub fn sync_line(summary: &sync::SyncSummary, seconds_left: Option<u64>) -> String {
    if summary.storage_failed {
        return STORAGE_FAILED.to_owned();
    }
    if summary.signed_out {
        return SIGN_IN_AGAIN.to_owned();
    }
    if summary.failed > 0 {
        return format!("Can't sync {}", items(summary.failed));
    }
    if summary.conflicts > 0 {
        return counted(summary.conflicts, "conflict", "conflicts");
    }
    if summary.is_connecting() {
        return CONNECTING.to_owned();
    }
    if !summary.online {
        return match summary.waiting {
            0 => OFFLINE.to_owned(),
            waiting => format!("Offline, {} waiting", counted(waiting, "change", "changes")),
        };
    }
    if summary.quota_full && summary.waiting > 0 {
        return format!("{STORAGE_FULL}, {} waiting", counted(summary.waiting, "change", "changes"));
    }
    if let Some(received) = summary.first_sync {
        return format!("Getting your files, {}", first_sync(received));
    }
    match (summary.waiting, seconds_left) {
        (0, _) if summary.is_synced() => UP_TO_DATE.to_owned(),
        (0, _) if summary.unstored && !summary.behind => STORING.to_owned(),
        (0, _) => CHECKING.to_owned(),
        (waiting, None) => format!("Syncing {}", items(waiting)),
        (waiting, Some(seconds)) => format!("Syncing {}, {}", items(waiting), duration(seconds)),
    }
}

pub fn last_synced(when: &str) -> String {
    format!("Last synced {when}")
}

pub fn next_try(when: &str) -> String {
    format!("Next try {when}")
}

pub fn discard_text(action: &str, name: &str) -> String {
    format!("{action} “{name}” is undone on this device. The file itself stays as the server has it.")
}

pub fn discard_title(action: &str, name: &str) -> String {
    format!("Discard “{action}” of “{name}”?")
}

pub fn status(status: shared::SyncStatus) -> &'static str {
    match status {
        shared::SyncStatus::Synced => "Synced",
        shared::SyncStatus::Pending => "Waiting to sync",
        shared::SyncStatus::Syncing => "Syncing",
        shared::SyncStatus::Conflict => "Two versions, choose one",
        shared::SyncStatus::Error => "Can't sync",
    }
}

// Activity
pub const ACTIVITY: &str = "Activity";
pub const ALL_ACTIVITY: &str = "All activity";
pub const ACTIVITY_INTRO: &str = "When several devices change the same things, this is what became of it.";
pub const ON_THIS_DEVICE: &str = "On this device";
pub const WHAT_HAPPENED: &str = "What happened";
pub const SHOW_OLDER: &str = "Show older";
pub const NOTHING_HAPPENED: &str = "Nothing out of the ordinary";
pub const NOTHING_HAPPENED_HINT: &str =
    "When devices change the same file or folder at once, what became of it is told here.";
pub const ACTIVITY_OFFLINE: &str = "The activity is shown when the server can be reached.";
pub const DELETE_ALL_OF_IT: &str = "Delete all of it";
pub const DELETE_COPY: &str = "Delete the copy";

pub fn activity_as_of(when: &str) -> String {
    format!("You are offline. This is how it stood {when}.")
}

pub fn rename_to(name: &str) -> String {
    format!("Rename to “{name}”")
}

pub fn move_to_folder(folder: &str) -> String {
    format!("Move to “{folder}”")
}

/// What happened and why, in one sentence; nothing for what this version of the app does not know.
pub fn happened(activity: &shared::activity::Activity) -> Option<String> {
    use shared::activity::ActivityKind;
    use shared::sync::Resolution;
    let name = &activity.item_name;
    Some(match &activity.kind {
        ActivityKind::MoveLost { name: asked, .. } if asked == name => {
            format!("“{name}” was moved in two places at once. The first move stands.")
        }
        ActivityKind::MoveLost { name: asked, .. } => {
            format!("“{name}” was to be called “{asked}”, but had another name by then.")
        }
        ActivityKind::DeleteLost => {
            format!("“{name}” was to be deleted, but had just been changed elsewhere. It stays.")
        }
        ActivityKind::DeletePartly => format!(
            "“{name}” was deleted, but something in it had just been changed elsewhere. That stays, the rest is in the trash."
        ),
        ActivityKind::CameBack => {
            format!("“{name}” was changed while it was in the trash. It is back.")
        }
        ActivityKind::Merged { .. } => {
            format!("“{name}” was edited in two places at once. The changes were joined.")
        }
        ActivityKind::Renamed { asked } => {
            format!("“{asked}” became “{name}”, because the name was taken.")
        }
        ActivityKind::FoldersJoined => {
            format!("The folder “{name}” was created in two places. It is one folder with what both hold.")
        }
        ActivityKind::Conflict { .. } => {
            format!("“{name}” was changed in two places at once, in a way that only a person can settle.")
        }
        ActivityKind::Resolved { resolution: Resolution::Both, .. } => {
            format!("Both versions of “{name}” were kept.")
        }
        ActivityKind::Resolved { resolution: Resolution::Proposal, .. } => {
            format!("The merged text of “{name}” was taken.")
        }
        ActivityKind::Resolved { .. } => format!("One version of “{name}” was chosen."),
        ActivityKind::Unknown => return None,
    })
}

// Conflicts
pub const REVIEW: &str = "Review";
pub const REVIEW_CONFLICT: &str = "Review both versions";
pub const SETTLED_ELSEWHERE: &str = "Another device has already decided";
pub const DECIDE_LATER: &str = "Decide later";
pub const TWO_VERSIONS: &str = "Two versions of this file";
pub const CONFLICT_INTRO: &str =
    "It was changed in two places at once. What you don't keep stays among the file's versions for 30 days.";
pub const CHANGED_AGAIN: &str = "It was changed again meanwhile. This is how it stands now.";
pub const THE_DIFFERENCE: &str = "The difference";
pub const THE_CHOICES: &str = "What to keep";
pub const RECOMMENDED: &str = "Recommended";
pub const IN_USE_NOW: &str = "In use now";
pub const YOUR_VERSION: &str = "Your version";
pub const FROM_THIS_DEVICE: &str = "From this device";
pub const OTHER_VERSION: &str = "The other version";
pub const KEEP_MINE: &str = "Keep mine";
pub const KEEP_CURRENT: &str = "Keep the current one";
pub const KEEP_OTHER: &str = "Keep the other";
pub const KEEP_BOTH: &str = "Keep both";
pub const USE_MERGED: &str = "Use the merged text";
pub const AS_TWO_FILES: &str = "as two files";
pub const WITH_BOTH_CHANGES: &str = "with the changes of both";
pub const MERGED_TEXT: &str = "The merged text";
pub const EARLIER_DEVICE: &str = "A device that is no longer signed in";
pub const DOWNLOAD_SIDE: &str = "Download this version";
pub const NOT_ON_THIS_DEVICE: &str = "The contents aren't on this device, and the server can't be reached. You can decide now; the difference is shown once you are back online.";
pub const CANT_COMPARE: &str = "These versions can't be shown side by side. Download them to compare.";
pub const TOO_LONG_TO_COMPARE: &str =
    "These texts are too long to be shown side by side. Download them to compare.";
pub const ONLY_INVISIBLE: &str = "The texts read the same. They differ in line breaks only.";
pub const COMPARE_PICTURES: &str = "Show more of one picture or the other";
pub const DIFFERENCES_END: &str = "The rest is left out here. Download both to compare them whole.";

pub fn pixels(width: u32, height: u32) -> String {
    format!("{} × {}", intl::whole(u64::from(width)), intl::whole(u64::from(height)))
}

pub fn share_of(percent: &str) -> String {
    format!("{percent} of the first picture")
}

pub fn version_of(person_or_device: &str) -> String {
    format!("{person_or_device}’s version")
}

pub fn from_device(device: &str) -> String {
    format!("From {device}")
}

pub fn keep_theirs(person: &str) -> String {
    format!("Keep {person}’s")
}

pub fn conflicts_came_up(name: &str, count: usize) -> String {
    if count == 1 {
        format!("“{name}” was changed in two places")
    } else {
        format!("{} files were changed in two places", intl::whole(count as u64))
    }
}

pub fn do_for_others(count: usize) -> String {
    if count == 1 {
        "Do this for the other one too".to_owned()
    } else {
        format!("Do this for the other {}", intl::whole(count as u64))
    }
}

pub fn more_conflicts(count: usize) -> String {
    format!("{} more to decide", intl::whole(count as u64))
}

pub fn differences(count: usize) -> String {
    counted(count, "difference", "differences")
}

pub fn show_equal_lines(count: usize) -> String {
    format!("Show {}", counted(count, "equal line", "equal lines"))
}

pub fn overlaps(count: u32) -> String {
    match count {
        0 => "The changes don't touch the same lines.".to_owned(),
        1 => "In 1 place both changed the same lines; there the merged text has both.".to_owned(),
        count => format!(
            "In {} places both changed the same lines; there the merged text has both.",
            intl::whole(u64::from(count))
        ),
    }
}

pub fn settled(choice: crate::model::conflict::Choice, name: &str, count: usize) -> String {
    use crate::model::conflict::Choice;
    let what = if count == 1 {
        format!("of “{name}”")
    } else {
        format!("of {}", counted(count, "file", "files"))
    };
    match choice {
        Choice::Keep(_) => format!("Kept one version {what}"),
        Choice::Both => format!("Kept both versions {what}"),
        Choice::Merged => format!("Used the merged text {what}"),
    }
}

/// "40 s", "3 min", "2 h".
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{} s", seconds.max(1)),
        60..5400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

// Uploads
pub const UPLOADS: &str = "Uploads";
pub const UPLOADS_DONE: &str = "Uploads finished";
pub const PAUSE: &str = "Pause";
pub const RESUME: &str = "Resume";
pub const DISMISS: &str = "Remove from the list";
pub const PAUSE_ALL: &str = "Pause all";
pub const RESUME_ALL: &str = "Resume all";
pub const CANCEL_ALL: &str = "Cancel all";
pub const RETRY_ALL: &str = "Try all again";
pub const CLEAR_DONE: &str = "Clear finished";
pub const QUEUED: &str = "Waiting for its turn";
pub const HASHING: &str = "Preparing";
pub const PAUSED: &str = "Paused";
pub const UPLOADED: &str = "Uploaded";
pub const FAILED_RETRY: &str = "Failed, click to retry";
pub const CHOOSE_AGAIN: &str = "Choose the file again";
pub const NEEDS_FILE: &str = "The page was reloaded. Choose the file again to go on where it stopped.";

pub fn uploading(count: usize) -> String {
    format!("Uploading {}", items(count))
}

pub fn failed_uploads(count: usize) -> String {
    format!("{} failed", counted(count, "upload", "uploads"))
}

pub fn uploads_without_file(count: usize) -> String {
    match count {
        1 => "1 upload needs its file again".to_owned(),
        count => format!("{} uploads need their files again", intl::whole(count as u64)),
    }
}

pub fn paused_uploads(count: usize) -> String {
    format!("{} paused", counted(count, "upload", "uploads"))
}

pub fn per_second(size: &str) -> String {
    format!("{size}/s")
}

pub fn time_left(seconds: u64) -> String {
    format!("{} left", duration(seconds))
}

pub fn bytes_of(done: &str, total: &str) -> String {
    format!("{done} of {total}")
}

pub fn more_uploads(count: usize) -> String {
    format!("and {} more", intl::whole(count as u64))
}

pub fn began_upload(count: usize) -> String {
    uploading(count)
}

/// Why a file or folder does not come in.
pub enum LeftOut {
    Name(shared::name::InvalidName),
    /// A folder's, on the way to it.
    FolderName,
    TooLarge,
    Unreadable,
    Refused(sync::CommandError),
}

pub fn left_out(name: &str, why: LeftOut) -> String {
    let why = match why {
        LeftOut::Name(reason) => invalid_name(reason).trim_end_matches('.').to_owned(),
        LeftOut::FolderName => "A folder’s name can’t be used here".to_owned(),
        LeftOut::TooLarge => "It is larger than a file may be".to_owned(),
        LeftOut::Unreadable => "It can’t be read".to_owned(),
        LeftOut::Refused(error) => error.to_string(),
    };
    format!("“{name}” was left out. {why}.")
}

pub const WAITING_FOR_NETWORK: &str = "Waiting for the network";

pub fn other_file(name: &str) -> String {
    format!("This is not the file that was begun. Choose “{name}” as it was, or cancel and upload it anew.")
}

// What a server's answer says by its status alone
pub const SIGNED_OUT: &str = "Sign in again.";
pub const TOO_MUCH_AT_ONCE: &str = "This is more than the server takes at once.";
pub const SLOW_DOWN: &str = "The server asks to slow down.";

pub fn storage_closed(error: &str) -> String {
    format!("This browser's storage cannot be opened. Close other tabs and reload the page. ({error})")
}

// Quick look and details
pub const NO_PREVIEW: &str = "No preview for this kind of file";
pub const TOO_LARGE_TEXT: &str = "Showing the first part of a long file";
pub const TASK_DONE: &str = "Done";
pub const TASK_OPEN: &str = "To do";
pub const LOADING: &str = "Loading";
pub const OPENING_ITEMS: &str = "Opening what is on this device";
pub const STILL_OPENING: &str = "Still opening what is on this device. Try again in a moment.";
pub const NOTHING_SELECTED: &str = "Select something to see its details";
pub const VERSIONS: &str = "Versions";
pub const CURRENT_VERSION: &str = "Current";
pub const RESTORE_VERSION: &str = "Restore this version";
pub const DOWNLOAD_VERSION: &str = "Download this version";
pub const VERSION_RESTORED: &str = "Restored the earlier version";
pub const NO_VERSIONS_OFFLINE: &str = "Versions are shown when the server can be reached.";
pub const UNKNOWN_DEVICE: &str = "a removed device";
pub const CREATED: &str = "Created";
pub const CONTENTS: &str = "Contents";

pub const NOT_ON_DEVICE: &str =
    "This file is not on this device. It opens when the server can be reached again.";
pub const FOLDER_NEEDS_SERVER: &str = "A folder can be downloaded when the server can be reached again.";
pub const ON_DEVICE: &str = "On this device";

/// Whether and why the bytes of an item are here.
pub fn keeping_state(keeping: crate::ports::Keeping, is_folder: bool) -> &'static str {
    use crate::ports::Kept;
    match (keeping.kept, keeping.is_here || is_folder) {
        (Kept::Itself, true) => "Kept",
        (Kept::WithFolder, true) => "Kept with its folder",
        (Kept::Itself | Kept::WithFolder, false) => "To be kept, not here yet",
        (Kept::No, true) if is_folder => "Only what was opened lately",
        (Kept::No, true) => "For now, because it was opened lately",
        (Kept::No, false) => "No",
    }
}

pub fn place_of(place: usize, count: usize) -> String {
    format!("{} of {}", intl::whole(place as u64), intl::whole(count as u64))
}

pub fn kind(kind: crate::model::FileType) -> &'static str {
    use crate::model::FileType;
    match kind {
        FileType::Folder => "Folder",
        FileType::Archive => "Archive",
        FileType::Audio => "Audio",
        FileType::Code => "Code",
        FileType::Document => "Document",
        FileType::Image => "Image",
        FileType::Markdown => "Markdown",
        FileType::Pdf => "PDF",
        FileType::Presentation => "Presentation",
        FileType::Spreadsheet => "Spreadsheet",
        FileType::Text => "Text",
        FileType::Video => "Video",
        FileType::Other => "File",
    }
}

// The editor
pub const UNTITLED_TEXT: &str = "Untitled.txt";
/// Of a text whose own name cannot be used.
pub const RESCUED_TEXT: &str = "Unsaved text.txt";
pub const EDIT: &str = "Edit";
pub const WRITE_HERE: &str = "Write here";
pub const EDITOR_HINT: &str = "The tab key moves the text in. Press Escape, then Tab, to leave the text.";
pub const VIEW: &str = "View";
pub const VIEW_WRITE: &str = "Write";
pub const VIEW_BOTH: &str = "Write and read side by side";
pub const VIEW_READ: &str = "Read";
pub const PREVIEW: &str = "Preview";
pub const FIND_IN_TEXT: &str = "Find in this text";
pub const FIND: &str = "Find";
pub const REPLACE: &str = "Replace";
pub const REPLACE_BY: &str = "Replace with";
pub const REPLACE_ALL: &str = "Replace all";
pub const SAVING: &str = "Saving";
pub const SAVED: &str = "Saved";
pub const SAVED_HERE: &str = "Saved on this device";
pub const SYNCING: &str = "Syncing";
pub const NOT_SAVED: &str = "Not saved";
pub const SAVE_AS_NEW: &str = "Save as a new file";
pub const GONE_WHILE_OPEN: &str = "This file was deleted for good. What you wrote is still here.";
pub const DELETED_WHILE_OPEN: &str = "This file is in the trash. It comes back as soon as you change it.";
pub const CONFLICT_WHILE_OPEN: &str = "Another device changed the same lines. Both versions are kept until you choose; yours is the one you see here.";
pub const TEXT_AWAY: &str = "This text isn't on this device yet";
pub const TEXT_AWAY_HINT: &str = "It opens as soon as the server can be reached.";
pub const TEXT_TOO_LARGE: &str = "This text is too long to edit here";
pub const TEXT_TOO_LARGE_HINT: &str = "Texts of up to 1 MB can be edited. You can look at it or download it.";
pub const NOT_A_TEXT: &str = "This file isn't plain text";
pub const NOT_A_TEXT_HINT: &str = "You can look at it or download it.";
pub const CANT_OPEN: &str = "This text can't be opened right now";
pub const PICTURE: &str = "Picture";

pub fn open_picture(host: &str) -> String {
    format!("Open the picture from {host}")
}

pub fn back_to(folder: &str) -> String {
    format!("Back to {folder}")
}

pub fn text_of(name: &str) -> String {
    format!("Text of {name}")
}

pub fn found(count: usize) -> String {
    match count {
        0 => NOTHING_FOUND.to_owned(),
        count => format!("{} found", intl::whole(count as u64)),
    }
}

pub fn found_many(limit: usize) -> String {
    format!("{} and more", intl::whole(limit as u64))
}

pub fn replaced(count: usize) -> String {
    format!("Replaced {}", counted(count, "place", "places"))
}

// Settings
pub const ACCOUNT: &str = "Account";
pub const APPEARANCE: &str = "Appearance";
pub const THEME: &str = "Theme";
pub const THEME_SYSTEM: &str = "System";
pub const THEME_LIGHT: &str = "Light";
pub const THEME_DARK: &str = "Dark";
pub const ROWS: &str = "Rows";
pub const COMFORTABLE: &str = "Comfortable";
pub const COMPACT: &str = "Compact";
pub const STORAGE: &str = "Storage";
pub const DEVICES: &str = "Devices";
pub const DEVICES_HINT: &str =
    "Where you are signed in. Signing out a device ends its access within a second.";
pub const DEVICES_OFFLINE: &str = "Your devices are shown when the server can be reached.";
pub const THIS_DEVICE: &str = "This device";
pub const SIGN_OUT: &str = "Sign out";
pub const CHANGE_PASSWORD: &str = "Change password";
pub const CHANGE_PASSWORD_TEXT: &str = "Every other device is signed out. What waits there to be sent is kept, and goes on once you sign in again.";
pub const CURRENT_PASSWORD: &str = "Current password";
pub const NEW_PASSWORD: &str = "New password";
pub const ENTER_CURRENT_PASSWORD: &str = "Enter your current password.";
pub const CHANGING: &str = "Changing…";
pub const PASSWORD_CHANGED: &str = "Password changed. Your other devices are signed out.";
pub const SHORTCUTS: &str = "Keyboard shortcuts";
pub const ADMINISTRATOR: &str = "Administrator";
pub const DEVICE_BEHIND: &str = "Has changes to fetch";

pub const DEVICE_STORAGE: &str = "Storage on this device";
pub const DEVICE_STORAGE_HINT: &str = "The list of your files and photos is always here. Files themselves are here if you keep them or opened them lately; those open without a connection.";
/// What is on this device by kind, and what that is.
pub const KEPT_HERE: (&str, &str) =
    ("Files kept", "Files and folders that you keep on this device. They never leave by themselves.");
pub const SEEN_LATELY: (&str, &str) =
    ("Opened or changed lately", "Files and photos that you looked at, edited or sent from here.");
pub const ORIGINALS_HERE: (&str, &str) = (
    "Photo originals kept",
    "Of albums whose originals you keep on this device. They never leave by themselves.",
);
pub const THUMBNAILS_HERE: (&str, &str) = ("Thumbnails", "What your library shows of each photo.");
pub const PREVIEWS_HERE: (&str, &str) = ("Previews", "Photos as large as the screen, as you looked at them.");
pub const NOT_SENT_YET: (&str, &str) =
    ("Waiting to be sent", "Only this device has it so far. It goes when the server can be reached.");
pub const LISTS_HERE: (&str, &str) =
    ("Lists", "What all your files and photos are called, and what the browser needs beside them.");
pub const APP_HERE: (&str, &str) = ("The app", "So that it starts without a connection.");
pub const FORGET_SEEN: &str = "Remove what was seen lately";
pub const FORGET_SEEN_HINT: &str = "Takes files opened lately and previews off this device. They stay on the server. Thumbnails, and what you keep, stay here.";
pub const SEEN_FORGOTTEN: &str = "What was seen lately left this device";
pub const THUMBNAILS_FETCHED: &str = "Fetch thumbnails";
pub const THUMBNAILS_OF_ALL: &str = "Of all photos";
pub const THUMBNAILS_OF_SEEN: &str = "Of what is seen";
pub const THUMBNAILS_HINT: &str = "Those of all photos come while nothing else goes on, so that the whole library can be looked through without a connection.";
pub const SPACE_FOR_FORMS: &str = "Space for thumbnails and previews";
pub const SPACE_FOR_SEEN: &str = "Space for files opened lately";
pub const SPACE_NONE: &str = "None";
pub const EVICTION_HINT: &str = "When a space is full, thumbnails that nobody looked at leave this device first, then what was opened longest ago, previews before thumbnails. It stays on the server. What you keep is not counted.";
pub const PERSISTENT: &str = "This browser will not clear these files by itself.";
pub const NOT_PERSISTENT: &str = "When its disk gets full, this browser may clear everything stored here: what is on the server comes back, what waits to be sent would be lost.";
pub const ASK_TO_PERSIST: &str = "Ask the browser not to";
pub const PERSIST_REFUSED: &str =
    "The browser didn't agree. Installing the app, or adding it to your bookmarks, often changes that.";
pub const KEEP_FULL: &str = "This device is full. Free some space, or keep fewer files here.";
pub const KEEP_NO_STORAGE: &str =
    "This browser window can't keep larger files. It needs a secure address (https) and no private window.";
pub const KEEP_OFFLINE: &str = "The rest comes when the server can be reached.";

/// What is counted.
#[derive(Clone, Copy)]
pub enum Counted {
    Files,
    Photos,
    Pictures,
}

pub fn amount(count: usize, of: Counted, size: &str) -> String {
    let (one, many) = match of {
        Counted::Files => ("file", "files"),
        Counted::Photos => ("photo", "photos"),
        Counted::Pictures => ("picture", "pictures"),
    };
    match count {
        0 => "Nothing".to_owned(),
        count => format!("{}, {size}", counted(count, one, many)),
    }
}

pub fn to_come(count: usize, size: &str) -> String {
    format!("{} still to come, {size}", counted(count, "file", "files"))
}

pub fn thumbnails_here(here: usize, all: usize, is_full: bool) -> String {
    let (here, whole) = (intl::whole(here as u64), intl::whole(all as u64));
    let more = if is_full { ". There is no space for more" } else { "" };
    format!("Thumbnails on this device: {here} of {whole}{more}")
}

pub fn browser_storage(used: &str, allowed: &str) -> String {
    format!("All in all, the app takes {used} of the {allowed} that this browser allows it.")
}

pub fn storage_used(used: &str, quota: &str) -> String {
    format!("{used} of {quota} used")
}

pub fn sign_out_device(name: &str) -> String {
    format!("Sign out {name}")
}

pub fn sign_out_device_title(name: &str) -> String {
    format!("Sign out “{name}”?")
}

pub const SIGN_OUT_DEVICE_TEXT: &str = "It can no longer see your files until you sign in there again.";
pub const SIGN_OUT_TITLE: &str = "Sign out on this device?";
pub const SIGN_OUT_TEXT: &str =
    "The copy of your files' list on this device is removed. Your files stay on the server.";

pub fn sign_out_waiting(count: usize) -> String {
    format!(
        "{} not on the server yet and would be lost.",
        if count == 1 {
            "1 change is".to_owned()
        } else {
            format!("{} changes are", intl::whole(count as u64))
        }
    )
}

pub fn device_signed_out(name: &str) -> String {
    format!("Signed out {name}")
}

/// The keys and what they do, for the sheet of shortcuts.
pub const SHORTCUT_LIST: &[(&str, &[&str])] = &[
    ("Move around", &["↑", "↓", "←", "→"]),
    ("First, last, a page", &["Home", "End", "PgUp", "PgDn"]),
    ("Open", &["Enter"]),
    ("Quick look", &["Space"]),
    ("Up one folder", &["Alt", "↑"]),
    ("Select several", &["Shift", "↑↓"]),
    ("Select all", &["Mod", "A"]),
    ("Rename", &["F2"]),
    ("Delete", &["Del"]),
    ("Favorite photo, date and place", &["F", "D"]),
    ("Slideshow of the photos from this one on", &["S"]),
    ("Move photos while an album is arranged", &["Alt ←", "Alt →"]),
    ("Cut, copy and paste", &["Mod", "X / C / V"]),
    ("Undo, do again", &["Mod", "Z / ⇧Z"]),
    ("Find in a text", &["Mod", "F"]),
    ("Details", &["Mod", "I"]),
    ("Menu", &["Shift", "F10"]),
    ("New folder", &["Alt", "N"]),
    ("Search", &["/"]),
    ("This list", &["?"]),
];

/// Why a name can't be taken.
pub fn invalid_name(reason: shared::name::InvalidName) -> &'static str {
    use shared::name::InvalidName;
    match reason {
        InvalidName::Empty => NAME_EMPTY,
        InvalidName::TooLong => NAME_TOO_LONG,
        InvalidName::ForbiddenCharacter => NAME_FORBIDDEN,
        InvalidName::Reserved => NAME_RESERVED,
    }
}

#[cfg(test)]
mod tests {
    use shared::Timestamp;
    use sync::SyncSummary;

    use super::*;

    #[test]
    fn nothing_is_called_offline_before_the_server_was_asked() {
        let asked = SyncSummary { first_sync: Some(0), behind: true, ..SyncSummary::default() };
        assert_eq!(sync_line(&asked, None), CONNECTING);
        let failed = SyncSummary { next_try: Some(Timestamp::from_millis(1_000)), ..asked.clone() };
        assert_eq!(sync_line(&failed, None), OFFLINE);
        let answered = SyncSummary { online: true, waiting: 0, first_sync: None, behind: false, ..asked };
        assert_eq!(sync_line(&answered, None), UP_TO_DATE);
        let shown = SyncSummary { unstored: true, ..answered };
        assert_eq!(sync_line(&shown, None), STORING);
    }
}
