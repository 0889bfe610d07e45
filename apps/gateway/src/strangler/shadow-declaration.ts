import type { CredentialsRule } from '@seaworthy/strangler/compare'
import type { Checked } from './checked.ts'

/** Which of the reads that the old side of a route answers are put to the new side too, and how the answers are compared. */
export interface ShadowDeclaration {
  /** In percent. Default 100. */
  readonly share?: number
  /** What to do with requests that carry `Authorization` or `Cookie`. Default `skip`. */
  readonly credentials?: CredentialsRule
  readonly compare?: {
    /** Fields that are not compared, as in `body.items[].views`. */
    readonly ignoreFields?: readonly string[]
    /** Headers that are not compared, in lower case. */
    readonly ignoreHeaders?: readonly string[]
    /** `shapes`: examples show types and lengths, no values. Default `values`. */
    readonly show?: 'values' | 'shapes'
  }
}

const CREDENTIALS: readonly CredentialsRule[] = ['skip', 'forward', 'strip']

export function readShadow(shadow: Checked): ShadowDeclaration {
  const { share, credentials, compare } = shadow.object('share', 'credentials', 'compare')
  const declaration = {
    share: share.optional((each) => each.number(0, 100)),
    credentials: credentials.optional((each) => oneOf(each, CREDENTIALS)),
    compare: compare.optional(readCompare),
  }
  return withoutAbsent(declaration)
}

function readCompare(compare: Checked): NonNullable<ShadowDeclaration['compare']> {
  const { ignoreFields, ignoreHeaders, show } = compare.object('ignoreFields', 'ignoreHeaders', 'show')
  return withoutAbsent({
    ignoreFields: ignoreFields.optional((list) =>
      list.items().map((item) => item.text(/^(?:status|header|body|bytes)\b.*$/, 'a field such as body.items[].views')),
    ),
    ignoreHeaders: ignoreHeaders.optional((list) =>
      list.items().map((item) => item.text(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'a header in lower case')),
    ),
    show: show.optional((each) => oneOf(each, ['values', 'shapes'])),
  })
}

function oneOf<T extends string>(checked: Checked, values: readonly T[]): T {
  const found = values.find((value) => value === checked.raw)
  if (found === undefined) checked.problem(`must be one of ${values.join(', ')}`)
  return found ?? values[0]!
}

type Present<T> = { readonly [name in keyof T]?: Exclude<T[name], undefined> }

const withoutAbsent = <T extends object>(record: T): Present<T> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Present<T>
