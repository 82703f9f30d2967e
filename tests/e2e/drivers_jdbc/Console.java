// SPDX-License-Identifier: MIT
//
// JDBC at the console: Console PORT runs commands by the extended protocol, named at their second
// use (prepareThreshold=1), and prints "ok" and what was read.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

public final class Console {
    private Console() {
    }

    private static String tenants(PreparedStatement lists) throws SQLException {
        try (ResultSet rows = lists.executeQuery()) {
            while (rows.next()) {
                if (rows.getString("list").equals("tenants")) {
                    return rows.getString("items");
                }
            }
        }
        throw new SQLException("SHOW LISTS knows no tenants");
    }

    public static void main(String[] arguments) throws SQLException {
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0]
            + "/fahrend?user=admin&password=admin-secret&prepareThreshold=1";
        try (Connection connection = DriverManager.getConnection(url);
             PreparedStatement lists = connection.prepareStatement("SHOW LISTS")) {
            String first = tenants(lists);
            String second = tenants(lists);
            try (ResultSet rows = connection.createStatement().executeQuery("SHOW STATE")) {
                rows.next();
                System.out.println("ok " + rows.getString(1) + " " + first
                    + " " + second);
            }
        }
    }
}
