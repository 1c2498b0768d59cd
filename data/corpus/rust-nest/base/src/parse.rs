use std::fmt;

/// Why a text is no sum, and where.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    Unexpected(usize),
    End,
    TooLarge,
    DividedByZero,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unexpected(at) => write!(f, "unexpected character at {at}"),
            Problem::End => f.write_str("unexpected end"),
            Problem::TooLarge => f.write_str("too large"),
            Problem::DividedByZero => f.write_str("divided by zero"),
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn sum(&mut self) -> Result<i64, Problem> {
        let mut value = self.product()?;
        while let Some(sign @ (b'+' | b'-')) = self.peek() {
            self.at += 1;
            let right = self.product()?;
            let result = if sign == b'+' { value.checked_add(right) } else { value.checked_sub(right) };
            value = result.ok_or(Problem::TooLarge)?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<i64, Problem> {
        let mut value = self.factor()?;
        while let Some(sign @ (b'*' | b'/')) = self.peek() {
            self.at += 1;
            let right = self.factor()?;
            if sign == b'/' && right == 0 {
                return Err(Problem::DividedByZero);
            }
            let result = if sign == b'*' { value.checked_mul(right) } else { value.checked_div(right) };
            value = result.ok_or(Problem::TooLarge)?;
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<i64, Problem> {
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                let value = self.sum()?;
                self.close()?;
                Ok(value)
            }
            Some(b'-') => {
                self.at += 1;
                self.factor()?.checked_neg().ok_or(Problem::TooLarge)
            }
            Some(b'0'..=b'9') => self.number(),
            Some(_) => Err(Problem::Unexpected(self.at)),
            None => Err(Problem::End),
        }
    }

    fn close(&mut self) -> Result<(), Problem> {
        match self.peek() {
            Some(b')') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(Problem::Unexpected(self.at)),
            None => Err(Problem::End),
        }
    }

    fn number(&mut self) -> Result<i64, Problem> {
        let mut value = 0_i64;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at).copied() {
            value = value
                .checked_mul(10)
                .and_then(|value| value.checked_add(i64::from(digit - b'0')))
                .ok_or(Problem::TooLarge)?;
            self.at += 1;
        }
        Ok(value)
    }
}

/// The value of a sum.
pub fn evaluate(text: &str) -> Result<i64, Problem> {
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    let value = parser.sum()?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(Problem::Unexpected(parser.at)),
    }
}
