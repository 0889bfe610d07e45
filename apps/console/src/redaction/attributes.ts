import { REDACTED, isSecretName } from '@seaworthy/telemetry/redaction'
import { commandAlone, withoutLiterals } from './sql.ts'
import { safeQuery, safeText } from './text.ts'

/** `http.request.header.x-api-key`, `rpc.grpc.request.metadata.authorization`, `messaging.kafka.header.token`. */
const HEADER = /(?:^|\.)(?:headers?|metadata)\.(?<name>[^.]+)$/
/** Headers that say how something was sent and not by whom. The value of any other stays out: nobody knows all that carry secrets. */
const HARMLESS_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'age',
  'allow',
  'cache-control',
  'connection',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'date',
  'etag',
  'grpc-encoding',
  'grpc-status',
  'host',
  'last-modified',
  'retry-after',
  'server',
  'te',
  'traceparent',
  'transfer-encoding',
  'user-agent',
  'vary',
])
/** What a program was given to work on, and baggage, which is whatever somebody put into it. */
const CONTENT =
  /^(?:baggage(?:\..*)?|(?:http\.)?(?:request|response)\.body(?:\.(?!size).*)?|http\.(?:request|response)\.body(?:\.(?!size).*)?|db\.(?:query|operation)\.parameters?(?:\..*)?|db\.sql\.(?:parameters|args)(?:\..*)?|process\.environment_variable\..*|messaging\.message\.body|rpc\.message\.(?:body|payload))$/
const STATEMENT = /^db\.(?:statement|query\.text|sql\.query)$/
const QUERY = /^(?:url\.query|http\.query|.*\.query_string)$/
/** Systems that do not speak SQL. */
const NO_SQL =
  /^(?:redis|valkey|memcached|mongodb|elasticsearch|opensearch|couchdb|couchbase|dynamodb|aws\.dynamodb|cosmosdb|azure\.cosmosdb)$/

/** What kind of thing a name is of; names are few and asked for often. */
type Rule = 'text' | 'nothing' | 'statement' | 'query'

/** What is known of a name. */
interface KnownName {
  readonly rule: Rule
  /** As it may be stored: a key may be a secret's place, too. */
  readonly safe: string
}

const NAMES_MAX = 10_000
const names = new Map<string, KnownName>()

function known(name: string): KnownName {
  let found = names.get(name)
  if (found === undefined) {
    found = { rule: decide(name.toLowerCase()), safe: safeText(name) }
    if (names.size >= NAMES_MAX) names.clear()
    names.set(name, found)
  }
  return found
}

/** A name as it may be stored. */
export function safeName(name: string): string {
  return known(name).safe
}

function decide(name: string): Rule {
  if (isSecretName(name) || CONTENT.test(name)) return 'nothing'
  const header = HEADER.exec(name)?.groups?.['name']
  if (header !== undefined) return HARMLESS_HEADERS.has(header.replaceAll('_', '-')) ? 'text' : 'nothing'
  if (STATEMENT.test(name)) return 'statement'
  return QUERY.test(name) ? 'query' : 'text'
}

/** Whether nothing under this name may be stored, of whatever type. */
export function isContentName(name: string): boolean {
  return known(name).rule === 'nothing'
}

/** The text of an attribute as it may be stored. `system` is the database that a statement is for, where that is known. */
export function safeValue(name: string, value: string, system?: string): string {
  switch (known(name).rule) {
    case 'nothing':
      return value === '' ? value : REDACTED
    case 'statement':
      return system !== undefined && NO_SQL.test(system) ? commandAlone(value) : withoutLiterals(value, system)
    case 'query':
      return safeQuery(value)
    case 'text':
      return safeText(value)
  }
}
