fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    match std::fs::read_to_string(&path) {
        Ok(commands) => print!("{}", bitmap::run(&commands)),
        Err(error) => println!("{error}"),
    }
}
