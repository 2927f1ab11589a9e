module drive-example

go 1.19
