module bench/a8m

go 1.24
