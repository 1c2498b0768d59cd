//! The hash chain: pure.

use backstitch_model::Digest;

/// The hash before the first event.
pub const GENESIS: Digest = Digest([0; 32]);

/// The fields of one event that its hash covers.
#[derive(Debug, Clone, Copy)]
pub struct Link<'event> {
    pub sequence: u64,
    pub run: &'event str,
    pub at: &'event str,
    pub kind: &'event str,
    pub body: &'event str,
}

/// Hashes an event and the hash before it. Every field goes in with its length, so
/// that moving a boundary between two fields changes the hash.
pub fn hash(previous: Digest, link: Link<'_>) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("backstitch ledger event v1");
    hasher.update(&previous.0);
    hasher.update(&link.sequence.to_le_bytes());
    for field in [link.run, link.at, link.kind, link.body] {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    Digest(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_and_the_hash_before_change_the_hash() {
        let link = Link {
            sequence: 1,
            run: "r",
            at: "t",
            kind: "k",
            body: "b",
        };
        let changed = [
            Link {
                sequence: 2,
                ..link
            },
            Link { run: "x", ..link },
            Link { at: "x", ..link },
            Link { kind: "x", ..link },
            Link { body: "x", ..link },
            Link {
                run: "rt",
                at: "",
                ..link
            },
        ];
        for other in changed {
            assert_ne!(hash(GENESIS, link), hash(GENESIS, other), "{other:?}");
        }
        assert_ne!(hash(GENESIS, link), hash(Digest([1; 32]), link));
    }
}
