// A registry of two packages for tests: `mid` asks for `leaf`, of which later releases appear once
// `/publish` was asked for. Prints its port.
const { createHash } = require('node:crypto');
const { createServer } = require('node:http');
const { gzipSync } = require('node:zlib');

const manifests = {
  'leaf@1.0.0': { main: 'index.js', scripts: { postinstall: 'node -e "require(\'fs\').writeFileSync(\'mark\', \'\')"' } },
  'leaf@1.0.1': { main: 'index.js', dependencies: { extra: '^1.0.0' } },
  'leaf@1.0.2': { main: 'index.js' },
  'mid@1.0.0': { main: 'index.js', dependencies: { leaf: '^1.0.0' } },
  'extra@1.0.0': { main: 'index.js' },
};
const programs = {
  leaf: (version) => `module.exports = '${version}';\n`,
  mid: () => "module.exports = require('leaf');\n",
  extra: () => 'module.exports = 1;\n',
};
const later = new Set(['leaf@1.0.1', 'leaf@1.0.2']);

function file(name, text) {
  const header = Buffer.alloc(512);
  header.write(`package/${name}`, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(text.length.toString(8).padStart(11, '0') + '\0', 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(sum.toString(8).padStart(6, '0') + '\0 ', 148);
  return Buffer.concat([header, Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)]);
}

const archives = {};
for (const [id, about] of Object.entries(manifests)) {
  const [name, version] = id.split('@');
  Object.assign(about, { name, version });
  const files = [file('package.json', JSON.stringify(about)), file('index.js', programs[name](version))];
  archives[id] = gzipSync(Buffer.concat([...files, Buffer.alloc(1024)]));
}

let published = false;
const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url.split('?')[0]);
  const address = `http://127.0.0.1:${server.address().port}`;
  if (path === '/publish') {
    published = true;
    return response.end('done');
  }
  const archive = path.match(/^\/(\w+)\/-\/\w+-([\d.]+)\.tgz$/);
  if (archive) {
    return response.end(archives[`${archive[1]}@${archive[2]}`]);
  }
  const versions = {};
  const time = {};
  for (const [id, about] of Object.entries(manifests)) {
    if (about.name === path.slice(1) && (published || !later.has(id))) {
      const dist = {
        tarball: `${address}/${about.name}/-/${about.name}-${about.version}.tgz`,
        integrity: 'sha512-' + createHash('sha512').update(archives[id]).digest('base64'),
        shasum: createHash('sha1').update(archives[id]).digest('hex'),
      };
      versions[about.version] = { ...about, dist };
      time[about.version] = '2020-01-01T00:00:00.000Z';
    }
  }
  const all = Object.keys(versions);
  response.statusCode = all.length ? 200 : 404;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ name: path.slice(1), 'dist-tags': { latest: all.at(-1) }, versions, time }));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
