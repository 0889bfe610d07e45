/** The servers that a shop stands on, and what its databases, topics and queues there are called after. */
export interface ShopEngines {
  /** By engine, as `seaworthy start --engines` names them. PostgreSQL's is its administrator's. */
  readonly urls: Readonly<Partial<Record<'postgres' | 'kafka' | 'rabbitmq', string>>>
  readonly prefix: string
}

/** What `seaworthy start` is told of them. */
export function engineArguments({ urls, prefix }: ShopEngines): readonly string[] {
  return [
    `--engines=${Object.keys(urls).join(',')}`,
    `--engine-prefix=${prefix}`,
    ...Object.entries(urls).map(([engine, url]) => `--engine-url=${engine}=${url}`),
  ]
}

/** A service's database, as the administrator sees it. */
export function databaseUrl({ urls, prefix }: ShopEngines, service: string): string {
  const url = new URL(urls.postgres ?? '')
  url.pathname = `/${databaseName(prefix, service)}`
  return url.href
}

export function databaseName(prefix: string, service: string): string {
  return `${prefix}_${service}`.replaceAll('-', '_')
}
