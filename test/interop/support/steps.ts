/** Key-value commands in the order in which they are given, with what is read from stdin. */
export interface Step {
  readonly args: readonly string[]
  readonly input?: string
}

const line = (text: string, input?: string): Step => ({
  args: text.split(' '),
  ...(input === undefined ? {} : { input }),
})

const TXN = `value("a/1") = "eins"
mod("a/2") > "1"
ver("none") = "0"

put a/3 drei
get a/ --prefix
del a/2

get a/1

`
const FAILING_TXN = `create("a/1") = "0"

put a/1 never

get a/1
put a/4 vier
del a/3 --prev-kv

`

export const STEPS: readonly Step[] = [
  line('put a/1 one'),
  line('put a/2 two'),
  line('put a/1 eins --prev-kv'),
  line('put a/1 --ignore-value'),
  line('put stdin', 'from\nstdin'),
  line('get stdin'),
  line('put b/1 x -w json'),
  line('put b/2 y --prev-kv -w fields'),
  line('put nolease v --lease=1234abcd'),
  line('put none --ignore-value'),
  line('get a/1'),
  line('get a/1 -w json'),
  line('get a/1 -w fields'),
  line('get a/1 --hex'),
  line('get a/1 --print-value-only'),
  line('get none'),
  line('get none -w json'),
  line('get a/ --prefix'),
  line('get a/ --prefix --keys-only'),
  line('get a/ --prefix --limit=1 -w json'),
  line('get a/ b0 --order=DESCEND'),
  line('get a/ --prefix --sort-by=MODIFY --order=DESCEND'),
  line('get a/ --prefix --sort-by=VALUE'),
  line('get --from-key a/2'),
  line('get a/1 --rev=2'),
  line('get a/1 --rev=999'),
  line('get a/1 --consistency=s'),
  { args: ['get', '', '--prefix', '--keys-only'] },
  { args: ['put', '', 'v'] },
  { args: ['get', ''] },
  line('txn', TXN),
  line('txn', FAILING_TXN),
  line('txn -w json', TXN),
  line('txn -i', TXN),
  line('del b/1 --prev-kv'),
  line('del none'),
  line('del b/ --prefix -w json'),
  line('put c/1 1'),
  line('put c/2 2'),
  line('put c/3 3'),
  line('del --from-key c/2 --prev-kv'),
  line('compaction 5'),
  line('get a/1 --rev=4'),
  line('get a/1 --rev=5'),
  line('compaction 5'),
  line('compaction 999'),
  line('compaction 7 --physical=true'),
  line('get c/ --prefix -w fields'),
]
