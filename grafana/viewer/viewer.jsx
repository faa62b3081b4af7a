// Renders one dashboard's JSON with Grafana's own components, asking a real Prometheus.
//
// Parameters of the address: prometheus, dashboard (the JSON's address), from and to (seconds),
// scrape (seconds), theme, panels (numbers, to show these alone), and var-NAME for variables.
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import {
  LoadingState, ThemeContext, createTheme, dateTime, dateTimeFormat, getDisplayValueAlignmentFactors, getFieldDisplayValues,
} from '@grafana/data';
import { BigValue, GlobalStyles, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Source } from './data.js';

const asked = new URLSearchParams(location.search);
const FROM = +asked.get('from'), TO = +asked.get('to');
const THEME = createTheme({ colors: { mode: asked.get('theme') ?? 'dark' } });
const COLUMNS = 24, CELL = 30, GAP = 8, NARROW = 769; // Grafana's grid, and from where it has one column
const RANGE = { from: dateTime(FROM * 1000), to: dateTime(TO * 1000), raw: { from: dateTime(FROM * 1000), to: dateTime(TO * 1000) } };
const WIDTH = window.innerWidth - 2 * GAP;
const source = new Source({ url: asked.get('prometheus'), from: FROM, to: TO, scrape: +asked.get('scrape') });
const report = { pending: 1, errors: [], empty: [], queries: source.queries };
window.__report = report;

const Words = ({ children }) => (
  <div style={{ display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center', textAlign: 'center', color: THEME.colors.text.secondary }}>
    {children}
  </div>
);

function Graph({ panel, frames, width, height }) {
  return <TimeSeries frames={frames} timeRange={RANGE} timeZone="utc" width={width} height={height} legend={panel.options.legend} options={panel.options} />;
}

function Stat({ panel, frames, width, height }) {
  const { options, fieldConfig } = panel;
  const values = () => getFieldDisplayValues({
    fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: (text) => source.fill(text), theme: THEME, data: frames, timeZone: 'utc',
  });
  const one = ({ value, width: w, height: h, count, alignmentFactors }) => (
    <BigValue value={value.display} count={count} width={w} height={h} theme={THEME} alignmentFactors={alignmentFactors} colorMode={options.colorMode}
      graphMode={options.graphMode} justifyMode={options.justifyMode} textMode={options.textMode} text={options.text} />
  );
  return <VizRepeater getValues={values} getAlignmentFactors={getDisplayValueAlignmentFactors} renderValue={one} source={frames} width={width}
    height={height} itemSpacing={3} renderCounter={0} autoGrid orientation={options.orientation} />;
}

function Rows({ panel, frames, width, height }) {
  return <TableNG data={frames[0]} width={width} height={height} cellHeight={panel.options.cellHeight} sortBy={panel.options.sortBy}
    fieldConfig={panel.fieldConfig} enableVirtualization={false} />;
}

const KINDS = { timeseries: Graph, stat: Stat, table: Rows };

function Content({ panel, frames, width, height }) {
  const Kind = KINDS[panel.type];
  if (!Kind) throw new Error(`the viewer has no ${panel.type}`);
  if (!frames.some((frame) => frame.length) && panel.type !== 'stat') return <Words>{panel.fieldConfig.defaults.noValue ?? 'No data'}</Words>;
  return <Kind panel={panel} frames={frames} width={width} height={height} />;
}

function Panel({ panel, place }) {
  const [state, set] = useState({});
  useEffect(() => {
    source.frames(panel, place.width, THEME).then(
      (frames) => { if (!frames.some((frame) => frame.length)) report.empty.push(panel.title); set({ frames }); },
      (error) => { report.errors.push(`${panel.title}: ${error.message}`); set({ error }); },
    ).finally(() => { report.pending -= 1; });
  }, []);
  return (
    <div style={{ position: 'absolute', ...place }}>
      <PanelChrome title={panel.title} description={panel.description} width={place.width} height={place.height}
        padding={panel.type === 'table' ? 'none' : 'md'} loadingState={state.frames ? LoadingState.Done : LoadingState.Loading}>
        {(width, height) => state.error ? <Words>{state.error.message}</Words> : state.frames ? <Content panel={panel} frames={state.frames} width={width} height={height} /> : null}
      </PanelChrome>
    </div>
  );
}

const Title = ({ panel, place }) => (
  <h4 style={{ position: 'absolute', ...place, margin: 0, lineHeight: `${place.height}px`, fontSize: 16, color: THEME.colors.text.primary }}>⌄ {panel.title}</h4>
);

/** Where each panel goes: by its grid, or one below the other on a narrow screen. */
function places(panels) {
  const cell = WIDTH / COLUMNS, row = CELL + GAP;
  let top = 0;
  return panels.map(({ gridPos: at }) => {
    const height = at.h * row - GAP;
    const place = WIDTH < NARROW ? { left: 0, top, width: WIDTH, height } : { left: at.x * cell, top: at.y * row, width: at.w * cell - GAP, height };
    top += height + GAP;
    return place;
  });
}

/** These panels alone, moved up to the top. */
function only(panels, numbers) {
  const wanted = panels.filter((panel) => numbers.includes(panel.id));
  const top = Math.min(...wanted.map((panel) => panel.gridPos.y));
  return wanted.map((panel) => ({ ...panel, gridPos: { ...panel.gridPos, y: panel.gridPos.y - top } }));
}

function Page({ dashboard, panels }) {
  const at = places(panels), height = Math.max(...at.map((place) => place.top + place.height));
  const choice = (name) => <span key={name} style={{ marginRight: 24 }}>{name}</span>;
  const shown = dashboard.templating.list.filter((one) => one.type === 'query' && one.hide !== 2).map((one) => choice(`${one.label}: ${source.choices[one.name]}`));
  const time = (seconds) => dateTimeFormat(seconds * 1000, { timeZone: 'utc', format: 'YYYY-MM-DD HH:mm' });
  return (
    <div style={{ background: THEME.colors.background.canvas, padding: GAP, minHeight: '100vh' }}>
      <div style={{ color: THEME.colors.text.primary, fontSize: 18, fontWeight: 500, margin: '4px 0' }}>{dashboard.title}</div>
      <div style={{ color: THEME.colors.text.secondary, margin: '0 0 8px', fontSize: 12 }}>{shown}{time(FROM)} to {time(TO)} UTC</div>
      <div style={{ position: 'relative', height }}>
        {panels.map((panel, i) => panel.type === 'row' ? <Title key={i} panel={panel} place={at[i]} /> : <Panel key={i} panel={panel} place={at[i]} />)}
      </div>
    </div>
  );
}

async function main() {
  const dashboard = await (await fetch(asked.get('dashboard'))).json();
  const wanted = Object.fromEntries([...asked].filter(([name]) => name.startsWith('var-')).map(([name, value]) => [name.slice(4), value]));
  await source.choose(dashboard.templating.list, wanted);
  const numbers = (asked.get('panels') ?? '').split(',').filter(Boolean).map(Number);
  const panels = numbers.length ? only(dashboard.panels, numbers) : dashboard.panels;
  report.pending += panels.filter((panel) => panel.type !== 'row').length - 1;
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={THEME}><GlobalStyles /><Page dashboard={dashboard} panels={panels} /></ThemeContext.Provider>);
}

main().catch((error) => { report.errors.push(error.stack); report.pending = 0; });
