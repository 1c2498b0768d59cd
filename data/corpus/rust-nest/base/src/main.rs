use std::thread;

/// Enough for a line; each file gets a worker of its own.
const STACK_BYTES: usize = 512 << 10;

fn work(text: &str) {
    for line in text.lines() {
        match nest::evaluate(line) {
            Ok(value) => println!("{value}"),
            Err(problem) => println!("{problem}"),
        }
    }
}

fn main() {
    let mut workers = Vec::new();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let builder = thread::Builder::new().stack_size(STACK_BYTES);
        workers.extend(builder.spawn(move || work(&text)));
    }
    for worker in workers {
        let _ = worker.join();
    }
}
