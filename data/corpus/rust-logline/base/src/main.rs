use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: logline FILE");
        return ExitCode::from(2);
    };
    let text = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    for line in text.lines() {
        match logline::parse(line) {
            Ok(line) => println!("{:?} [{}] {}", line.level, line.source, line.message),
            Err(problem) => println!("? {problem}"),
        }
    }
    let (counts, others) = logline::count(&text);
    println!("{counts:?}, {others} others");
    ExitCode::SUCCESS
}
