// SPDX-License-Identifier: MIT
//
// JDBC with prepareThreshold=1: Prepared PORT ROUNDS TENANT... runs three statements, which the
// driver prepares by name at their first use, on a connection of each tenant in turn, some of them
// as a batch and within a transaction; prints "ok" and the number of right answers.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

public final class Prepared {
    private static final String[] TEXTS = {
        "SELECT ?::text, current_setting('app.tenant')",
        "SELECT upper(?::text), current_setting('app.tenant')",
        "SELECT ?::text || '!', current_setting('app.tenant')",
    };

    private final String tenant;
    private final Connection connection;
    private final List<PreparedStatement> statements = new ArrayList<>();
    private int right;

    private Prepared(String port, String tenant) throws SQLException {
        this.tenant = tenant;
        connection = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port
            + "/app?user=app&prepareThreshold=1&options=-c%20app.tenant=" + tenant);
        for (String text : TEXTS) {
            statements.add(connection.prepareStatement(text));
        }
    }

    private static String answer(int index, String value) {
        return index == 0 ? value : index == 1 ? value.toUpperCase() : value + "!";
    }

    private void check(int index, int round) throws SQLException {
        String value = tenant + "-" + round;
        PreparedStatement statement = statements.get(index);
        statement.setString(1, value);
        try (ResultSet rows = statement.executeQuery()) {
            if (!rows.next() || !rows.getString(1).equals(answer(index, value))
                || !rows.getString(2).equals(tenant)) {
                throw new SQLException("statement " + index + " of " + tenant);
            }
        }
        right++;
    }

    private void round(int number) throws SQLException {
        connection.setAutoCommit(number % 2 == 0);
        for (int index = 0; index < TEXTS.length; index++) {
            check(index, number);
        }
        if (!connection.getAutoCommit()) {
            connection.commit();
        }
    }

    /* A failed statement must leave the connection as it was. */
    private void fail() throws SQLException {
        connection.setAutoCommit(true);
        try (PreparedStatement wrong = connection.prepareStatement("SELECT 1/?::int")) {
            wrong.setInt(1, 0);
            wrong.executeQuery();
            throw new IllegalStateException("a division by zero succeeded");
        } catch (SQLException expected) {
            if (!expected.getSQLState().equals("22012")) {
                throw expected;
            }
        }
    }

    private void batch(int size) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO notes (body) VALUES (?)")) {
            for (int i = 0; i < size; i++) {
                insert.setString(1, "jdbc " + tenant);
                insert.addBatch();
            }
            for (int count : insert.executeBatch()) {
                right += count;
            }
        }
        try (PreparedStatement delete =
                connection.prepareStatement("DELETE FROM notes WHERE body = ?")) {
            delete.setString(1, "jdbc " + tenant);
            if (delete.executeUpdate() != size) {
                throw new SQLException("the batch of " + tenant + " is not whole");
            }
        }
    }

    public static void main(String[] arguments) throws SQLException {
        List<Prepared> sessions = new ArrayList<>();
        for (int i = 2; i < arguments.length; i++) {
            sessions.add(new Prepared(arguments[0], arguments[i]));
        }
        for (int round = 0; round < Integer.parseInt(arguments[1]); round++) {
            for (Prepared session : sessions) {
                session.round(round);
                session.fail();
            }
        }
        int right = 0;
        for (Prepared session : sessions) {
            session.batch(10);
            right += session.right;
            session.connection.close();
        }
        System.out.println("ok " + right);
    }
}
