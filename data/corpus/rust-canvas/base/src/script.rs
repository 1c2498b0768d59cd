use crate::canvas::{Canvas, Error};

const COMMANDS_MAX: usize = 10_000;

fn number(word: Option<&str>) -> Result<u32, Error> {
    word.and_then(|word| word.parse().ok()).ok_or(Error::Outside)
}

/// Runs `size W H`, `dot X Y C`, `row Y C` and `scale N`; gives the picture.
pub fn run(script: &str) -> Result<Canvas, Error> {
    let mut canvas = Canvas::new(16, 8)?;
    for line in script.lines().take(COMMANDS_MAX) {
        let mut words = line.split_whitespace();
        let Some(command) = words.next() else { continue };
        match command {
            "size" => canvas = Canvas::new(number(words.next())?, number(words.next())?)?,
            "dot" => {
                let (x, y) = (number(words.next())?, number(words.next())?);
                canvas.set(x, y, mark(words.next()))?;
            }
            "row" => {
                let y = number(words.next())?;
                let mark = mark(words.next());
                for x in 0..canvas.width() {
                    canvas.set(x, y, mark)?;
                }
            }
            "scale" => canvas = canvas.scaled(number(words.next())?)?,
            other => return Err(Error::Command(other.to_owned())),
        }
    }
    Ok(canvas)
}

fn mark(word: Option<&str>) -> u8 {
    word.and_then(|word| word.bytes().next()).unwrap_or(b'#')
}
