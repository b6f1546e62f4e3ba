//! Use cases that have several effects, or several callers.

pub mod content;
