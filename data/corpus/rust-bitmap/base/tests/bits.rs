use bitmap::{run, Bits};

#[test]
fn a_number_is_new_once() {
    let mut bits = Bits::new();
    assert!(bits.add(5));
    assert!(!bits.add(5));
}

#[test]
fn has() {
    let mut bits = Bits::new();
    bits.add(70);
    assert!(bits.has(70) && !bits.has(7));
}

#[test]
fn remove() {
    let mut bits = Bits::new();
    bits.add(70);
    assert!(bits.remove(70) && !bits.remove(70));
    assert_eq!(bits.count(), 0);
}

#[test]
fn in_order() {
    let mut bits = Bits::new();
    for number in [200, 3, 64, 63] {
        bits.add(number);
    }
    assert_eq!(bits.iter().collect::<Vec<_>>(), [3, 63, 64, 200]);
}

#[test]
fn too_large() {
    assert!(!Bits::new().add(2_000_000));
}

#[test]
fn commands() {
    assert_eq!(run("add 1\nadd 9\nlist\ncount\nsing\n"), "true\ntrue\n1 9\n2\n?\n");
}
