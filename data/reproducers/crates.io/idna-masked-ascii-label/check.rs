//! Shows that a Punycode label which decodes to plain ASCII is accepted and loses its prefix.
//! Converts the host name given as argument and counts the `xn--` labels before and after.

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn punycode_labels(host: &str) -> usize {
    host.split('.')
        .filter(|label| label.to_ascii_lowercase().starts_with("xn--"))
        .count()
}

fn main() {
    let converted = idna::domain_to_ascii("bücher.Example").expect("an ordinary name converts");
    assert_eq!(converted, "xn--bcher-kva.example");
    let kept = idna::domain_to_ascii("xn--bcher-kva.example").expect("an ordinary label converts");
    assert_eq!(kept, "xn--bcher-kva.example");

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let host = argument.to_string_lossy();
    if !host.is_ascii() {
        end(false);
    }
    match idna::domain_to_ascii(&host) {
        Ok(name) => {
            println!("{host:?} became {name:?}");
            end(punycode_labels(&name) < punycode_labels(&host))
        }
        Err(error) => {
            println!("{host:?} was refused: {error:?}");
            end(false)
        }
    }
}
