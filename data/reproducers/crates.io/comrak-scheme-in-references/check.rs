//! Shows that an ampersand in a link's target is not escaped, so that a browser decodes a scheme.
//! The argument is the link's target.

const UNSAFE: [&str; 4] = ["javascript:", "vbscript:", "file:", "data:text/html"];

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

/// Reads numbered references as a browser does: the semicolon may be missing.
fn decoded(text: &str) -> String {
    let mut parts = text.split("&#");
    let mut decoded = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (digits, base) = match part.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (part, 10),
        };
        let end = digits.find(|c: char| !c.is_digit(base));
        let (number, rest) = digits.split_at(end.unwrap_or(digits.len()));
        let character = u32::from_str_radix(number, base)
            .ok()
            .and_then(char::from_u32);
        decoded.extend(character);
        decoded += rest.strip_prefix(';').unwrap_or(rest);
    }
    decoded
}

/// What a link to this target is rendered with.
fn rendered_target(target: &str) -> Option<String> {
    let text = format!("[text]({target})");
    let html = comrak::markdown_to_html(&text, &comrak::ComrakOptions::default());
    println!("{html}");
    let (_, rest) = html.split_once("href=\"")?;
    Some(rest.split_once('"')?.0.to_string())
}

fn main() {
    let ordinary = rendered_target("https://example.org/");
    assert_eq!(ordinary.as_deref(), Some("https://example.org/"));
    assert_eq!(rendered_target("javascript:flag").as_deref(), Some(""));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let target = rendered_target(&argument.to_string_lossy()).unwrap_or_default();
    // A scheme that was there from the start is another flaw.
    let decoded = decoded(&target).to_ascii_lowercase();
    println!("decoded: {decoded}");
    end(target.contains("&#") && UNSAFE.iter().any(|scheme| decoded.starts_with(scheme)))
}
