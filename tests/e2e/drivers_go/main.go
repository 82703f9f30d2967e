// SPDX-License-Identifier: MIT
//
// pgx, which prepares every statement by name: main PORT ROUNDS TENANT... runs three statements on
// a connection of each tenant in turn, one by one and as a batch, and prints "ok" and the number of
// right answers.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v4"
)

var texts = []string{
	"SELECT $1::text, current_setting('app.tenant')",
	"SELECT upper($1::text), current_setting('app.tenant')",
	"SELECT $1::text || '!', current_setting('app.tenant')",
}

func answer(index int, value string) string {
	return []string{value, strings.ToUpper(value), value + "!"}[index]
}

func check(row pgx.Row, tenant string, index int, value string) error {
	var got, in string
	if err := row.Scan(&got, &in); err != nil {
		return err
	}
	if got != answer(index, value) || in != tenant {
		return fmt.Errorf("statement %d of %s: %s, %s", index, tenant, got, in)
	}
	return nil
}

// round returns how many answers were right: each statement alone, then all in one batch.
func round(ctx context.Context, conn *pgx.Conn, tenant string, number int) (int, error) {
	value := tenant + "-" + strconv.Itoa(number)
	batch := &pgx.Batch{}
	for index, text := range texts {
		if err := check(conn.QueryRow(ctx, text, value), tenant, index, value); err != nil {
			return 0, err
		}
		batch.Queue(text, value)
	}
	results := conn.SendBatch(ctx, batch)
	for index := range texts {
		if err := check(results.QueryRow(), tenant, index, value); err != nil {
			return 0, err
		}
	}
	return 2 * len(texts), results.Close()
}

func connect(ctx context.Context, port, tenant string) (*pgx.Conn, error) {
	url := "postgres://app@127.0.0.1:" + port + "/app?sslmode=disable"
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["app.tenant"] = tenant
	return pgx.ConnectConfig(ctx, config)
}

func run(port string, rounds int, tenants []string) (int, error) {
	ctx := context.Background()
	conns := make([]*pgx.Conn, len(tenants))
	right := 0
	for i, tenant := range tenants {
		conn, err := connect(ctx, port, tenant)
		if err != nil {
			return 0, err
		}
		defer conn.Close(ctx)
		conns[i] = conn
	}
	for number := 0; number < rounds; number++ {
		for i, tenant := range tenants {
			count, err := round(ctx, conns[i], tenant, number)
			if err != nil {
				return 0, err
			}
			right += count
		}
	}
	return right, nil
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[2])
	right, err := run(os.Args[1], rounds, os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ok", right)
}
