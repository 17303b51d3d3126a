#!/bin/sh
':' /*
# To the shell this file is a script, to Node the JavaScript behind this comment. PID 1 of a container must reap every
# orphan, and Node waits only for children that it started itself: there the shell stays PID 1, passes signals on, and
# its `wait` reaps whatever ends. Anywhere else Node takes the shell's place at once.
[ $$ -eq 1 ] || exec node "$0" "$@"
child=
early=
pass() {
  if [ -n "$child" ]; then kill -s "$1" "$child" 2>/dev/null; else early=$1; fi
}
for signal in HUP QUIT TERM USR1 USR2; do trap "pass $signal" $signal; done
# A terminal sends its interrupt to both of us.
[ -t 0 ] || trap 'pass INT' INT
node "$0" "$@" <&0 &
child=$!
[ -z "$early" ] || pass "$early"
while :; do
  wait "$child"
  status=$?
  # A signal ends `wait`, too.
  kill -0 "$child" 2>/dev/null && continue
  wait "$child" 2>/dev/null
  last=$?
  [ $last -eq 127 ] || status=$last
  exit $status
done
: <<'//'
*/
