//! The parts that pages are made of, a noun a file.

pub mod icon;
pub mod logo;
