use logline::{count, parse, Level, Problem};

#[test]
fn a_whole_line() {
    let line = parse("2024-05-01 12:30:00 WARN disk: nearly full").unwrap();
    assert_eq!((line.date, line.time), ("2024-05-01", "12:30:00"));
    assert_eq!(line.level, Level::Warn);
    assert_eq!((line.source, line.message), ("disk", "nearly full"));
}

#[test]
fn a_line_without_a_source() {
    let line = parse("2024-05-01 12:30:00 INFO started").unwrap();
    assert_eq!((line.source, line.message), ("", "started"));
}

#[test]
fn a_short_line() {
    assert_eq!(parse("hello"), Err(Problem::TooShort));
}

#[test]
fn a_line_without_a_date() {
    assert_eq!(parse("at the end of the world, nothing"), Err(Problem::BadDate));
}

#[test]
fn an_unknown_level() {
    assert_eq!(parse("2024-05-01 12:30:00 LOUD x: y"), Err(Problem::BadLevel));
}

#[test]
fn a_message_in_another_script() {
    let line = parse("2024-05-01 12:30:00 INFO café: ouvert à midi").unwrap();
    assert_eq!(line.source, "café");
}

#[test]
fn counts() {
    let text = "2024-05-01 12:30:00 WARN a: b\n2024-05-01 12:30:01 WARN a: c\nx\n";
    assert_eq!(count(text), ([0, 0, 2, 0], 1));
}
