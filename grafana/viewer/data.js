// Data: a panel's queries asked of Prometheus, as the frames that Grafana would make of the answers.
import {
  FieldConfigOptionsRegistry, FieldType, applyFieldOverrides, cacheFieldDisplayNames, standardTransformers, standardTransformersRegistry,
  toDataFrame, transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

// Options are taken as they stand: the processors of Grafana's core are not published.
const PLAIN = 'unit min max decimals displayName noValue thresholds mappings color links description'.split(' ');
const CUSTOM = ('drawStyle lineWidth fillOpacity gradientMode showPoints pointSize lineInterpolation spanNulls stacking ' +
  'thresholdsStyle axisPlacement axisLabel axisSoftMin axisSoftMax scaleDistribution hideFrom lineStyle insertNulls ' +
  'barAlignment cellOptions align width minWidth filterable inspect').split(' ');
const GRAPH = {
  drawStyle: 'line', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', showPoints: 'auto', pointSize: 5,
  lineInterpolation: 'linear', spanNulls: false, stacking: { mode: 'none', group: 'A' }, thresholdsStyle: { mode: 'off' },
  axisPlacement: 'auto', scaleDistribution: { type: 'linear' }, hideFrom: { legend: false, tooltip: false, viz: false },
};

const registry = new FieldConfigOptionsRegistry();
const option = (id, path, isCustom) =>
  registry.register({ id, path, name: path, isCustom, editor: () => null, override: () => null, process: (v) => v, shouldApply: () => true });
PLAIN.forEach((path) => option(path, path, false));
CUSTOM.forEach((path) => option(`custom.${path}`, path, true));
// Some stand there under two names.
const transformers = [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()];
standardTransformersRegistry.setInit(() => transformers.map((one) => ({ id: one.id, name: one.name, transformation: () => Promise.resolve(one) })));

/** A Prometheus over the span from `from` to `to` (seconds), scraped every `scrape` seconds. */
export class Source {
  constructor({ url, from, to, scrape }) {
    Object.assign(this, { url, from, to, scrape, choices: {}, queries: [] });
  }

  async ask(path, params) {
    const answer = await (await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(params)}`)).json();
    this.queries.push({ path, ...params, error: answer.error });
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${params.query}`);
    return answer.data;
  }

  fill(text, more = {}) {
    const all = { ...this.choices, ...more };
    return String(text).replace(/\$\{(\w+)(?::[^}]*)?\}|\$(\w+)/g, (whole, a, b) => all[a ?? b] ?? whole);
  }

  /** Choose the first value of every variable, or the one that `wanted` names. */
  async choose(variables, wanted) {
    this.choices.datasource = 'prometheus';
    for (const one of variables.filter((each) => each.type === 'query')) {
      const [, selector, label] = one.query.query.match(/^label_values\((.*), (\w+)\)$/s);
      const told = await this.ask(`label/${label}/values`, { 'match[]': this.fill(selector), start: this.from, end: this.to });
      const cut = one.regex ? new RegExp(one.regex.slice(1, -1)) : /^(.*)$/;
      const values = told.map((value) => value.match(cut)?.[1]).filter(Boolean);
      if (!values.length) throw new Error(`the variable ${one.name} has no values`);
      this.choices[one.name] = values.includes(wanted[one.name]) ? wanted[one.name] : values[0];
    }
  }

  /** The frames of a panel that is `width` pixels wide. */
  async frames(panel, width, theme) {
    const asked = await Promise.all(panel.targets.map((target) => this.answer(target, width)));
    const told = asked.filter((frames) => frames.length);
    if (panel.type === 'table') told.forEach(([frame]) => nameValues(frame, told.length > 1));
    const raw = await lastValueFrom(transformDataFrame(panel.transformations ?? [], told.flat()));
    const fieldConfig = structuredClone(panel.fieldConfig);
    if (panel.type === 'timeseries') fieldConfig.defaults.custom = { ...GRAPH, ...fieldConfig.defaults.custom };
    const frames = applyFieldOverrides({
      data: raw, fieldConfig, fieldConfigRegistry: registry, replaceVariables: (text) => this.fill(text), theme, timeZone: 'utc',
    });
    cacheFieldDisplayNames(frames); // what the table's header shows
    return frames;
  }

  async answer(target, width) {
    if (target.format === 'table') return this.rows(target);
    return target.instant ? this.instants(target) : this.lines(target, width);
  }

  async rows(target) {
    const { result } = await this.ask('query', { query: this.fill(target.expr), time: this.to });
    if (!result.length) return [];
    const labels = [...new Set(result.flatMap((row) => Object.keys(row.metric)))].sort();
    return [toDataFrame({ refId: target.refId, fields: [
      { name: 'Time', type: FieldType.time, values: result.map((row) => row.value[0] * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, config: { filterable: true }, values: result.map((row) => row.metric[name] ?? '') })),
      { name: 'Value', type: FieldType.number, values: result.map((row) => +row.value[1]) },
    ] })];
  }

  async instants(target) {
    const { result } = await this.ask('query', { query: this.fill(target.expr), time: this.to });
    return result.map((row) => series(target, row.metric, [row.value]));
  }

  async lines(target, width) {
    const step = Math.max(this.scrape, niceStep((this.to - this.from) / width));
    const rate = Math.max(step + this.scrape, 4 * this.scrape);
    const query = this.fill(target.expr, { __rate_interval: `${rate}s`, __interval: `${step}s` });
    const start = Math.ceil(this.from / step) * step;
    const { result } = await this.ask('query_range', { query, start, end: this.to, step });
    return result.map((row) => series(target, row.metric, row.values, step));
  }
}

const STEPS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
const niceStep = (seconds) => STEPS.find((step) => step >= seconds) ?? 86400;

function series(target, labels, points, step) {
  const name = legend(target, labels);
  return toDataFrame({ refId: target.refId, name, fields: [
    { name: 'Time', type: FieldType.time, config: step ? { interval: step * 1000 } : {}, values: points.map((point) => point[0] * 1000) },
    { name: 'Value', type: FieldType.number, labels, config: { displayNameFromDS: name }, values: points.map((point) => +point[1]) },
  ] });
}

function legend(target, labels) {
  if (target.legendFormat === '__auto') return JSON.stringify(labels);
  return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');
}

// With several tables Grafana's data source names each one's numbers by its query.
function nameValues(frame, several) {
  if (several) frame.fields.find((field) => field.name === 'Value').name = `Value #${frame.refId}`;
}
