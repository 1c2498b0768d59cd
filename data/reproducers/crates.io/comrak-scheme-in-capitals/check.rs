//! Shows that a link with an unsafe scheme is rendered where the scheme has capital letters.
//! The argument is the link's target.

const UNSAFE: [&str; 4] = ["javascript:", "vbscript:", "file:", "data:text/html"];

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
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
    let target = target.to_ascii_lowercase();
    end(UNSAFE.iter().any(|scheme| target.starts_with(scheme)))
}
