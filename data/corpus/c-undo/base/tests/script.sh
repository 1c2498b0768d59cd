#!/bin/sh
printf 'w one\nw two\nu\np\nr\nr\np\n' >tests/script.txt
got=$(./lineedit tests/script.txt)
rm -f tests/script.txt
if [ "$got" = '|one|
nothing to redo
|two|' ]; then
    echo 'ok 1 - a script'
else
    echo 'not ok 1 - a script'
    exit 1
fi
