fn main() {
    let script = std::env::args().nth(1).and_then(|path| std::fs::read_to_string(path).ok());
    match canvas::run(&script.unwrap_or_default()) {
        Ok(canvas) => print!("{canvas}"),
        Err(error) => println!("{error}"),
    }
}
