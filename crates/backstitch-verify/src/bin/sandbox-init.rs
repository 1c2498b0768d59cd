//! The smallest program that can serve as a sandbox init; the tests of this crate use it.

fn main() {
    backstitch_verify::sandbox::enter_if_asked();
}
