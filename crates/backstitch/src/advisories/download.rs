//! Downloading OSV's archives, one an ecosystem, from their documented bulk location
//! (<https://google.github.io/osv.dev/data/>). Retries, and goes on where a cut-off
//! download stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::http::StatusCode;

use crate::network::Network;

/// Where the archives are, unless the user names a mirror.
pub const LOCATION: &str = "https://osv-vulnerabilities.storage.googleapis.com";

/// The largest archive taken, in bytes.
const ARCHIVE_BYTES_MAX: u64 = 4 << 30;

/// How often a download is tried.
const TRIES_MAX: u32 = 5;

/// How far a download is: bytes had, and bytes in all where the server says.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// Downloads the archive of `ecosystem` into `folder` and returns its path.
pub fn archive(
    network: &Network,
    location: &str,
    ecosystem: &str,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<PathBuf> {
    let url = format!("{}/{ecosystem}/all.zip", location.trim_end_matches('/'));
    let Some(agent) = network.agent() else {
        bail!("download `{url}`: `--offline` was given");
    };
    fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
    let download = Download {
        agent,
        part: folder.join(format!("{ecosystem}.zip.part")),
        version: folder.join(format!("{ecosystem}.zip.version")),
        url,
    };
    let mut last = None;
    for attempt in 0..TRIES_MAX {
        if attempt > 0 {
            std::thread::sleep(Duration::from_millis(500 << attempt));
        }
        match download.go_on(progress) {
            Ok(()) => return download.finish(&folder.join(format!("{ecosystem}.zip"))),
            Err(Trouble::Final(error)) => return Err(error.context(download.failed())),
            Err(Trouble::Passing(error)) => last = Some(error),
        }
    }
    Err(last
        .unwrap_or_else(|| anyhow::anyhow!("never tried"))
        .context(download.failed()))
}

struct Download {
    agent: ureq::Agent,
    url: String,
    /// What is there of the archive.
    part: PathBuf,
    /// The server's name for the version that `part` is a part of.
    version: PathBuf,
}

enum Trouble {
    /// Trying again may help.
    Passing(anyhow::Error),
    /// It will not.
    Final(anyhow::Error),
}

impl Download {
    fn failed(&self) -> String {
        format!(
            "download `{}`; without a network, bring the archive by other means and use \
             `backstitch db import FILE`",
            self.url
        )
    }

    /// Asks for what is missing and appends it.
    fn go_on(&self, progress: Progress<'_>) -> Result<(), Trouble> {
        let have = fs::metadata(&self.part).map_or(0, |about| about.len());
        let version = fs::read_to_string(&self.version).unwrap_or_default();
        let mut request = self.agent.get(&self.url);
        if have > 0 && !version.is_empty() {
            request = request
                .header("Range", format!("bytes={have}-"))
                .header("If-Range", version);
        }
        let response = request
            .call()
            .map_err(|error| Trouble::Passing(error.into()))?;
        let start = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => have,
            StatusCode::RANGE_NOT_SATISFIABLE => {
                self.start_over()?;
                return Err(Trouble::Passing(anyhow::anyhow!(
                    "the archive changed meanwhile"
                )));
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Trouble::Passing(anyhow::anyhow!(
                    "the server answered {status}"
                )));
            }
            status => {
                return Err(Trouble::Final(anyhow::anyhow!(
                    "the server answered {status}"
                )));
            }
        };
        self.receive(response, start, progress)
    }

    fn receive(
        &self,
        response: ureq::http::Response<ureq::Body>,
        start: u64,
        progress: Progress<'_>,
    ) -> Result<(), Trouble> {
        let local = |error: std::io::Error| Trouble::Final(error.into());
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let length = header("content-length").and_then(|text| text.parse::<u64>().ok());
        let total = length.map(|length| start + length);
        fs::write(&self.version, header("etag").unwrap_or_default()).map_err(local)?;
        let mut part = self.open_at(start).map_err(local)?;
        let mut body = response
            .into_body()
            .into_reader()
            .take(ARCHIVE_BYTES_MAX + 1 - start);
        let mut have = start;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = body
                .read(&mut buffer)
                .map_err(|error| Trouble::Passing(error.into()))?;
            if read == 0 {
                break;
            }
            part.write_all(&buffer[..read]).map_err(local)?;
            have += read as u64;
            progress(have, total);
        }
        if have > ARCHIVE_BYTES_MAX {
            return Err(Trouble::Final(anyhow::anyhow!(
                "it is larger than {} GiB",
                ARCHIVE_BYTES_MAX >> 30
            )));
        }
        if total.is_some_and(|total| have < total) {
            return Err(Trouble::Passing(anyhow::anyhow!(
                "the connection ended at byte {have}"
            )));
        }
        part.sync_all().map_err(local)
    }

    fn open_at(&self, start: u64) -> std::io::Result<File> {
        let part = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.part)?;
        part.set_len(start)?;
        Ok(part)
    }

    fn start_over(&self) -> Result<(), Trouble> {
        fs::remove_file(&self.part).map_err(|error| Trouble::Final(error.into()))
    }

    fn finish(&self, to: &Path) -> Result<PathBuf> {
        fs::rename(&self.part, to).with_context(|| format!("keep `{}`", to.display()))?;
        let _ = fs::remove_file(&self.version);
        Ok(to.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection after the other with the given bytes and returns what was asked.
    fn serve(answers: Vec<Vec<u8>>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            answers
                .into_iter()
                .map(|answer| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut asked = String::new();
                    let mut lines = BufReader::new(stream.try_clone().unwrap());
                    while lines.read_line(&mut asked).unwrap() > 2 {}
                    stream.write_all(&answer).unwrap();
                    asked
                })
                .collect()
        });
        (address, server)
    }

    fn network() -> Network {
        Network::online()
    }

    #[test]
    fn a_download_that_is_cut_off_goes_on_where_it_stopped() {
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\netag: \"v1\"\r\nconnection: close\r\n\r\n01234";
        let rest = b"HTTP/1.1 206 Partial Content\r\ncontent-length: 5\r\netag: \"v1\"\r\nconnection: close\r\n\r\n56789";
        let (address, server) = serve(vec![cut.to_vec(), rest.to_vec()]);
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        let path = archive(
            &network(),
            &address,
            "crates.io",
            folder.path(),
            &mut |had, total| {
                seen.push((had, total));
            },
        )
        .unwrap();
        assert_eq!(fs::read(path).unwrap(), b"0123456789");
        assert_eq!(seen.last(), Some(&(10, Some(10))));
        let asked = server.join().unwrap();
        assert!(asked[0].contains("GET /crates.io/all.zip"));
        assert!(
            asked[1].to_lowercase().contains("range: bytes=5-"),
            "{}",
            asked[1]
        );
        assert!(asked[1].contains("\"v1\""));
    }

    #[test]
    fn an_archive_that_changed_meanwhile_is_taken_from_the_start() {
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\netag: \"v1\"\r\nconnection: close\r\n\r\n01234";
        let whole =
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\netag: \"v2\"\r\nconnection: close\r\n\r\nnew";
        let (address, server) = serve(vec![cut.to_vec(), whole.to_vec()]);
        let folder = tempfile::tempdir().unwrap();
        let path = archive(&network(), &address, "npm", folder.path(), &mut |_, _| {}).unwrap();
        assert_eq!(fs::read(path).unwrap(), b"new");
        server.join().unwrap();
    }

    #[test]
    fn an_answer_that_will_not_change_is_not_asked_for_again_and_says_what_to_do() {
        let (address, server) = serve(vec![
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let error = archive(
            &network(),
            &address,
            "nowhere",
            folder.path(),
            &mut |_, _| {},
        )
        .unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("404") && error.contains("db import"),
            "{error}"
        );
        server.join().unwrap();
    }

    #[test]
    fn offline_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = archive(
            &Network::offline(),
            LOCATION,
            "npm",
            folder.path(),
            &mut |_, _| {},
        )
        .unwrap_err();
        assert!(error.to_string().contains("--offline"));
    }
}
