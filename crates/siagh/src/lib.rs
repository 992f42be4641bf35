//! siagh.
