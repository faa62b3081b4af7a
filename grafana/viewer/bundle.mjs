// Bundles the page into build/: `npm run bundle`.
import { build } from 'esbuild';
import { cpSync, mkdirSync, rmSync } from 'node:fs';

const OUT = 'build', MODULES = 'node_modules';

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: ['viewer.jsx'],
  outfile: `${OUT}/viewer.js`,
  bundle: true,
  minify: true,
  format: 'iife',
  jsx: 'automatic',
  loader: { '.svg': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  alias: { 'react-custom-scrollbars-2': './scrollbars.js' },
});
cpSync('index.html', `${OUT}/index.html`);
cpSync(`${MODULES}/@grafana/ui/dist/public`, `${OUT}/public`, { recursive: true });
mkdirSync(`${OUT}/public/build/img`, { recursive: true }); // where icons are asked for
cpSync(`${OUT}/public/img/icons`, `${OUT}/public/build/img/icons`, { recursive: true });
mkdirSync(`${OUT}/public/fonts/inter`, { recursive: true });
for (const [weight, name] of [[400, 'Regular'], [500, 'Medium']])
  cpSync(`${MODULES}/@fontsource/inter/files/inter-latin-${weight}-normal.woff2`, `${OUT}/public/fonts/inter/Inter-${name}.woff2`);
