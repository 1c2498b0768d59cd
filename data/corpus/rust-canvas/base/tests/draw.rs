use canvas::{run, Canvas, Error};

#[test]
fn a_dot() {
    assert_eq!(run("size 3 2\ndot 1 0 x").unwrap().to_string(), " x\n\n");
}

#[test]
fn a_row() {
    assert_eq!(run("size 3 2\nrow 1 -").unwrap().to_string(), "\n---\n");
}

#[test]
fn no_size() {
    assert_eq!(Canvas::new(0, 4).err(), Some(Error::Size));
}

#[test]
fn outside() {
    assert_eq!(run("size 3 2\ndot 3 0").err(), Some(Error::Outside));
}

#[test]
fn scaled() {
    assert_eq!(run("size 2 1\ndot 0 0\nscale 2").unwrap().to_string(), "##\n##\n");
}

#[test]
fn unknown_command() {
    assert_eq!(run("sing").err(), Some(Error::Command("sing".to_owned())));
}

#[test]
fn sides() {
    let canvas = run("size 7 5").unwrap();
    assert_eq!((canvas.width(), canvas.height()), (7, 5));
}
