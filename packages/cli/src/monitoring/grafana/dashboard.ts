/** The classic JSON model of Grafana's dashboards, as far as it is used here. */
export interface Dashboard {
  /** Grafana gives it one of its own. */
  readonly id: null
  /** 8 to 40 characters; the same after each generation, so that an import replaces what was imported before. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly tags: readonly string[]
  readonly timezone: 'browser'
  readonly editable: boolean
  /** 1: the cross hair is shared by all panels. */
  readonly graphTooltip: 0 | 1 | 2
  readonly time: { readonly from: string; readonly to: string }
  readonly refresh: string
  readonly schemaVersion: number
  readonly version: number
  readonly links: readonly DashboardLink[]
  readonly templating: { readonly list: readonly Variable[] }
  readonly annotations: { readonly list: readonly [] }
  readonly panels: readonly (Panel | Row)[]
}

interface DashboardLink {
  readonly title: string
  readonly type: 'dashboards'
  readonly tags: readonly string[]
  readonly asDropdown: boolean
  readonly keepTime: boolean
}

interface Variable {
  readonly name: string
  readonly label: string
  readonly type: 'datasource'
  readonly query: string
}

interface GridPosition {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

export interface Row {
  readonly id: number
  readonly type: 'row'
  readonly title: string
  readonly collapsed: false
  readonly gridPos: GridPosition
  readonly panels: readonly []
}

export interface Panel {
  readonly id: number
  readonly type: 'timeseries' | 'stat'
  readonly title: string
  readonly description: string
  readonly datasource: typeof DATASOURCE
  readonly gridPos: GridPosition
  readonly targets: readonly Target[]
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit: string
      readonly min?: number
      readonly max?: number
      readonly custom?: { readonly thresholdsStyle: { readonly mode: 'line' | 'off' } }
      readonly thresholds: {
        readonly mode: 'absolute'
        readonly steps: readonly { readonly color: string; readonly value: number | null }[]
      }
    }
    readonly overrides: readonly []
  }
  readonly options: object
}

interface Target {
  readonly refId: string
  readonly datasource: typeof DATASOURCE
  readonly expr: string
  readonly legendFormat: string
}

/** What is drawn, before it has a place. */
export interface Chart {
  readonly title: string
  /** What it shows, and when to worry. */
  readonly description: string
  readonly type?: 'timeseries' | 'stat'
  /** `s`, `percentunit`, `reqps`, `short`, `bytes`: units of Grafana. */
  readonly unit: string
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
  /** From here on it is red; a line in a chart over time. */
  readonly limit?: number | undefined
}

export interface Section {
  readonly title: string
  readonly charts: readonly Chart[]
}

/** Chosen in Grafana: every dashboard has a field for it. */
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const
const TAG = 'seaworthy'
/** Classic dashboards of this version are read by Grafana 10 and later, which bring them up to date themselves. */
const SCHEMA_VERSION = 39
const [COLUMNS, CHART_HEIGHT, STAT_HEIGHT] = [24, 8, 4]

/** A dashboard of sections, each a row of charts, three beside each other. */
export function dashboard(
  about: { readonly uid: string; readonly title: string; readonly description: string },
  sections: readonly Section[],
): Dashboard {
  return {
    id: null,
    ...about,
    uid: about.uid.slice(0, 40),
    tags: [TAG],
    timezone: 'browser',
    editable: true,
    graphTooltip: 1,
    time: { from: 'now-1h', to: 'now' },
    refresh: '15s',
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    links: [{ title: 'Seaworthy', type: 'dashboards', tags: [TAG], asDropdown: true, keepTime: true }],
    templating: { list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }] },
    annotations: { list: [] },
    panels: laidOut(sections),
  }
}

function laidOut(sections: readonly Section[]): readonly (Panel | Row)[] {
  const panels: (Panel | Row)[] = []
  let y = 0
  for (const { title, charts } of sections) {
    panels.push({ id: panels.length + 1, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: 1 }, panels: [] })
    y++
    const perLine = charts.every(({ type }) => type === 'stat') ? 6 : 3
    const h = perLine === 6 ? STAT_HEIGHT : CHART_HEIGHT
    const w = COLUMNS / perLine
    for (const [index, chart] of charts.entries()) {
      const gridPos = { x: (index % perLine) * w, y: y + Math.floor(index / perLine) * h, w, h }
      panels.push(panel(chart, { id: panels.length + 1, gridPos }))
    }
    y += Math.ceil(charts.length / perLine) * h
  }
  return panels
}

function panel(
  { title, description, type = 'timeseries', unit, queries, limit }: Chart,
  place: { readonly id: number; readonly gridPos: GridPosition },
): Panel {
  const steps = [{ color: 'green', value: null }, ...(limit === undefined ? [] : [{ color: 'red', value: limit }])]
  return {
    ...place,
    type,
    title,
    description,
    datasource: DATASOURCE,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(unit === 'percentunit' && { max: 1 }),
        ...(type === 'timeseries' && { custom: { thresholdsStyle: { mode: limit === undefined ? ('off' as const) : ('line' as const) } } }),
        thresholds: { mode: 'absolute', steps },
      },
      overrides: [],
    },
    options:
      type === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value', graphMode: 'area' }
        : { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } },
  }
}
