//! payamgostar.
