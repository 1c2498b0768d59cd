#!/bin/sh
# Each test is a file NAME.ini with NAME.out beside it; prints TAP.
n=0
bad=0
for input in tests/data/*.ini; do
    name=$(basename "$input" .ini)
    n=$((n + 1))
    ./inikv "$input" >tests/actual.txt
    if cmp -s tests/actual.txt "tests/data/$name.out"; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        bad=1
    fi
done
rm -f tests/actual.txt
echo "1..$n"
exit $bad
