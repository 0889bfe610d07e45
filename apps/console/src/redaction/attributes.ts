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

/** What may be stored under a name: all but what gives secrets away by its form; nothing at all, of whatever type; a statement without its literals; a query without its values. */
type Rule = 'text' | 'nothing' | 'statement' | 'query'

/** What is known of a name. */
export interface KnownName {
  readonly rule: Rule
  /** As it may be stored: a key may be a secret's place, too. */
  readonly safe: string
}

const NAMES_MAX = 10_000
const names = new Map<string, KnownName>()

/** Names are few and asked for often: what is known of one is found out once. */
export function knownName(name: string): KnownName {
  let found = names.get(name)
  if (found === undefined) {
    found = { rule: decide(name.toLowerCase()), safe: safeText(name) }
    if (names.size >= NAMES_MAX) names.clear()
    names.set(name, found)
  }
  return found
}

function decide(name: string): Rule {
  if (isSecretName(name) || CONTENT.test(name)) return 'nothing'
  const header = HEADER.exec(name)?.groups?.['name']
  if (header !== undefined) return HARMLESS_HEADERS.has(header.replaceAll('_', '-')) ? 'text' : 'nothing'
  if (STATEMENT.test(name)) return 'statement'
  return QUERY.test(name) ? 'query' : 'text'
}

/** Whether bytes may be stored under a name. What is secret as text is secret as bytes, and goes whole: a letter of ASCII is a byte. */
export function isSafeBytes(known: KnownName, bytes: Buffer, system?: string): boolean {
  const text = bytes.toString('latin1')
  return safeValue(known, text, system) === text
}

/** The text of an attribute as it may be stored. `system` is the database that a statement is for, where that is known. */
export function safeValue({ rule }: KnownName, value: string, system?: string): string {
  switch (rule) {
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
