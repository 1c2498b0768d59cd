use nest::{evaluate, Problem};

#[test]
fn products_before_sums() {
    assert_eq!(evaluate("2 + 3 * 4 - 1"), Ok(13));
}

#[test]
fn brackets() {
    assert_eq!(evaluate("2 * (3 + (4 - 1))"), Ok(12));
}

#[test]
fn signs() {
    assert_eq!(evaluate("--2 * -3"), Ok(-6));
}

#[test]
fn twelve_deep() {
    assert_eq!(evaluate("((((((((((((7))))))))))))"), Ok(7));
}

#[test]
fn broken() {
    assert_eq!(evaluate("(1"), Err(Problem::End));
    assert_eq!(evaluate("1 1"), Err(Problem::Unexpected(2)));
    assert_eq!(evaluate(""), Err(Problem::End));
}

#[test]
fn too_large() {
    assert_eq!(evaluate("9223372036854775807 + 1"), Err(Problem::TooLarge));
}

#[test]
fn divided_by_zero() {
    assert_eq!(evaluate("1 / (2 - 2)"), Err(Problem::DividedByZero));
}
