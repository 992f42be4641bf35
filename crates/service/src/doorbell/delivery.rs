//! The envelope in which a ring travels: JSON, read so that nothing that lies in the queue can stop a worker.

use domain::ports::Ring;

/// What came out of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// A ring.
    Ring(Ring),
    /// Something that is none, by its size; not ours, and not to be quoted.
    Unreadable(usize),
}

impl Delivery {
    /// Never fails: apalis would end the worker for a payload that can't be decoded.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).map_or(Self::Unreadable(bytes.len()), Self::Ring)
    }
}

/// The bytes of a ring.
pub(super) fn encode(ring: &Ring) -> Vec<u8> {
    // A uuid and a text always serialise; an empty envelope would be reported as unreadable.
    serde_json::to_vec(ring).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_goes_in_comes_out_and_nothing_fails() {
        let ring = Ring {
            row: Uuid::new_v4(),
            traceparent: Some("00-a-b-01".to_owned()),
        };
        assert_eq!(Delivery::decode(&encode(&ring)), Delivery::Ring(ring.clone()));
        let bare = Ring {
            traceparent: None,
            ..ring
        };
        assert_eq!(Delivery::decode(&encode(&bare)), Delivery::Ring(bare));
        for bad in [&b""[..], b"\xff\x00", b"{}", b"[1]", b"{\"row\":\"x\"}"] {
            assert_eq!(Delivery::decode(bad), Delivery::Unreadable(bad.len()));
        }
    }
}
