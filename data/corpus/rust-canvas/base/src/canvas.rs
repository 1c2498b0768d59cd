use std::fmt;

/// A field of characters.
pub struct Canvas {
    width: u32,
    height: u32,
    cells: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    Size,
    Outside,
    Command(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Size => f.write_str("no such size"),
            Error::Outside => f.write_str("outside the canvas"),
            Error::Command(word) => write!(f, "no command {word}"),
        }
    }
}

impl Canvas {
    pub fn new(width: u32, height: u32) -> Result<Self, Error> {
        if width == 0 || height == 0 {
            return Err(Error::Size);
        }
        let cells = vec![b' '; (width * height) as usize];
        Ok(Canvas { width, height, cells })
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    fn index(&self, x: u32, y: u32) -> Result<usize, Error> {
        if x >= self.width || y >= self.height {
            return Err(Error::Outside);
        }
        Ok(y as usize * self.width as usize + x as usize)
    }

    pub fn set(&mut self, x: u32, y: u32, mark: u8) -> Result<(), Error> {
        let at = self.index(x, y)?;
        self.cells[at] = mark;
        Ok(())
    }

    pub fn get(&self, x: u32, y: u32) -> Result<u8, Error> {
        Ok(self.cells[self.index(x, y)?])
    }

    /// The same picture, each cell as a block of cells.
    pub fn scaled(&self, by: u32) -> Result<Canvas, Error> {
        let mut larger = Canvas::new(self.width * by, self.height * by)?;
        for y in 0..self.height {
            for x in 0..self.width {
                let mark = self.get(x, y)?;
                for dy in 0..by {
                    for dx in 0..by {
                        larger.set(x * by + dx, y * by + dy, mark)?;
                    }
                }
            }
        }
        Ok(larger)
    }
}

impl fmt::Display for Canvas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self.cells.chunks(self.width as usize) {
            writeln!(f, "{}", String::from_utf8_lossy(row).trim_end())?;
        }
        Ok(())
    }
}
