//! siaghsync.
