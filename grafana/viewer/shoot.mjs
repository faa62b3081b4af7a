// Takes pictures: `node shoot.mjs SHOTS.json`, a list of what to show, how wide, and where to write.
//
// Each has `page` (an address below build/, or a whole one), `file`, `width`, and may have `height`
// (else as high as the page), `scale`, `now` (Unix seconds that the page takes for the present) and
// `dashboard` (whether to wait for its panels). What panels are empty and what failed is printed.
import { chromium } from 'playwright-core';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import sharp from 'sharp';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json', '.woff2': 'font/woff2' };
const FOLDERS = { '/dashboards/': '../dashboards/' };

const server = createServer(async ({ url }, answer) => {
  const path = normalize(decodeURIComponent(new URL(url, 'http://here').pathname));
  const folder = Object.keys(FOLDERS).find((one) => path.startsWith(one));
  const file = folder ? join(FOLDERS[folder], path.slice(folder.length)) : join('build', path);
  try {
    const body = await readFile(file);
    answer.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
  } catch {
    answer.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const here = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
let failed = false;
for (const shot of JSON.parse(await readFile(process.argv[2], 'utf8'))) {
  const page = await browser.newPage({
    viewport: { width: shot.width, height: shot.height ?? 300 }, deviceScaleFactor: shot.scale ?? 1, timezoneId: 'UTC',
    colorScheme: shot.theme === 'light' ? 'light' : 'dark',
  });
  if (process.env.VERBOSE) page.on('console', (m) => console.log('  ', m.type(), m.text().slice(0, 400)));
  page.on('pageerror', (error) => { failed = true; console.log(`  ${error}`); });
  if (shot.now) await page.clock.setFixedTime(shot.now * 1000);
  await page.goto(shot.page.includes('://') ? shot.page : here + shot.page);
  if (shot.dashboard) {
    await page.waitForFunction('window.__report && window.__report.pending === 0', null, { timeout: 120000 });
    const { errors, empty } = await page.evaluate('window.__report');
    failed ||= errors.length > 0;
    console.log(`${shot.file}: empty: ${empty.join(', ') || 'nothing'}`, ...errors.map((error) => `\n  ${error}`));
  }
  if (!shot.height) {
    // Tables paint what is in view, so all has to be.
    await page.setViewportSize({ width: shot.width, height: await page.evaluate('document.documentElement.scrollHeight') });
  }
  await page.waitForTimeout(600);
  const drawn = await page.screenshot();
  await sharp(drawn).png({ palette: true, colours: 128, effort: 10 }).toFile(shot.file);
  await page.close();
}
await browser.close();
server.close();
process.exit(failed ? 1 : 0);
