import type { YamlValue } from './yaml.ts'

export interface ScrapeSettings {
  /** The console, which knows where the processes of the running system are. */
  readonly consoleUrl: URL
  /** Names of rule files, from the folder of the configuration. */
  readonly ruleFiles: readonly string[]
}

/**
 * A whole configuration of Prometheus: who is scraped is asked of the console, because ports are others after each start. Where something else gives out
 * addresses (Kubernetes, a file), its own discovery takes that place; the series then need the labels `service` and `instance` all the same.
 */
export function prometheusConfig({ consoleUrl, ruleFiles }: ScrapeSettings): YamlValue {
  return {
    global: { scrape_interval: '15s', evaluation_interval: '15s' },
    rule_files: ruleFiles,
    scrape_configs: [
      { job_name: 'seaworthy', http_sd_configs: [{ url: new URL('/api/prometheus/targets', consoleUrl).href, refresh_interval: '15s' }] },
    ],
  }
}
