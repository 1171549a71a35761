//! Who the caller is.
