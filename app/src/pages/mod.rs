//! What an address shows.

mod activity;
mod albums;
mod duplicates;
mod edit;
mod files;
mod not_found;
mod photos;
mod public;
mod public_form;
mod register;
mod search;
mod settings;
mod sign_in;
mod trash;

pub use activity::ActivityPage;
pub use albums::{AlbumPage, AlbumsPage};
pub use duplicates::DuplicatesPage;
pub use edit::EditPage;
pub use files::FilesPage;
pub use not_found::{NoPage, NotFound};
pub use photos::PhotosPage;
pub use public::{PublicApp, PublicPage, document};
use register::Register;
pub use search::SearchPage;
pub use settings::SettingsPage;
use sign_in::SignIn;
pub use trash::TrashPage;
